"""AWS Secrets Manager: the secret's name is the connection's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.secrets_backends.reading import TIMEOUT, Failed, Missing, library, needed, words

_HINT = "is the key right, and may it call secretsmanager:GetSecretValue?"
_ABSENT = frozenset({"ResourceNotFoundException"})
_PASSING = frozenset({"ThrottlingException", "RequestLimitExceeded"})


@dataclass(frozen=True, slots=True)
class SecretsManager:
    """A client for one region."""

    client: Any
    region: str

    @staticmethod
    def reader(environ: Mapping[str, str]) -> "SecretsManager":
        """With Bruin's variables; without a key of theirs, what AWS's own tools find here."""
        (region,) = needed(environ, "BRUIN_AWS_REGION")
        boto3, config = library("boto3", "aws"), library("botocore.config", "aws")
        given: dict[str, Any] = {}
        if environ.get("BRUIN_AWS_ACCESS_KEY_ID"):
            (secret,) = needed(environ, "BRUIN_AWS_SECRET_ACCESS_KEY")
            given = {
                "aws_access_key_id": environ["BRUIN_AWS_ACCESS_KEY_ID"],
                "aws_secret_access_key": secret,
                "aws_session_token": environ.get("BRUIN_AWS_SESSION_TOKEN") or None,
            }
        limits = config.Config(
            connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 1}
        )
        session = boto3.session.Session(**given, region_name=region)
        return SecretsManager(session.client("secretsmanager", config=limits), region)

    def read(self, name: str) -> str:
        """The current version of the secret."""
        errors = library("botocore.exceptions", "aws")
        try:
            answer = self.client.get_secret_value(SecretId=name)
        except errors.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _ABSENT:
                raise Missing from None
            raise Failed(words(error), again=_passes(code, error), hint=_HINT) from None
        except errors.NoCredentialsError as error:
            hint = "set BRUIN_AWS_ACCESS_KEY_ID and BRUIN_AWS_SECRET_ACCESS_KEY for the worker"
            raise Failed(words(error), hint=hint) from None
        except errors.BotoCoreError as error:
            raise Failed(words(error), again=True) from None
        if "SecretString" not in answer:
            raise Failed("the secret has no text, only bytes")
        return str(answer["SecretString"])

    def place(self, name: str) -> str:
        """Name and region."""
        return f"{name} in {self.region}"


def _passes(code: str, error: Any) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _PASSING or status == 429 or status >= 500
