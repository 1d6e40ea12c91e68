"""The rules of `fleet validate`, one module per concern; assets_parser.validation runs them all."""
