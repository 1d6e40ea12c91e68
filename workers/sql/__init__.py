"""SQL as text: quoting and check queries per dialect. Pure, so that the dispatcher may import it."""
