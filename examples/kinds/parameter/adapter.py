"""A SecureString of Parameter Store as a consumer of the credential."""

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.consumers.keys import Keys
from rotation.core.errors import ConsumerDiffers, SecretDenied, SecretInvalid, SecretStoreUnavailable
from rotation.core.model import Credential, Mark, SecretText
from rotation.kinds.kind import Settings
from rotation.ports import Surroundings

DENIED = ("AccessDeniedException", "KMSAccessDeniedException", "InvalidKeyId", "UnrecognizedClientException")


def make(settings: Settings, _: Surroundings) -> "LoginParameter":
    """As the target names it."""
    return LoginParameter(settings["name"], settings["text"], settings["key"])


class LoginParameter:
    """One parameter. Parameter Store keeps its older versions; its name, key and description stay as they are."""

    def __init__(self, name: str, text: str, key: str) -> None:
        self._name = name
        self._keys = Keys({name: text})
        self._key = key

    @property
    def name(self) -> str:
        return f"parameter {self._name}"

    def read(self) -> Credential:
        try:
            return self._keys.read({self._name: self._held()})
        except SecretInvalid as error:
            raise ConsumerDiffers(f"{self.name}: {error}") from None
        except ValueError:
            raise ConsumerDiffers(f"{self.name}: the port in it is no number") from None

    def publish(self, credential: Credential, _: Mark) -> bool:
        """It cannot be compared and swapped: who else writes it meanwhile is overwritten, and the drain looks again."""
        text = self._keys.render(credential)[self._name]
        if self._held() == text:
            return False
        try:
            client("ssm").put_parameter(
                Name=self._name, Value=text.reveal(), Type="SecureString", KeyId=self._key, Overwrite=True
            )  # fmt: skip
        except AWS_ERRORS as error:
            raise self._failed(code(error)) from None
        return True

    def _held(self) -> SecretText:
        try:
            found = client("ssm").get_parameter(Name=self._name, WithDecryption=True)["Parameter"]
        except AWS_ERRORS as error:
            raise self._failed(code(error)) from None
        if found["Type"] != "SecureString":
            raise ConsumerDiffers(f"{self.name} is a {found['Type']}, which shows the password: make it anew as a SecureString")
        return SecretText(str(found["Value"]))

    def _failed(self, code: str) -> ConsumerDiffers | SecretDenied | SecretStoreUnavailable:
        """By AWS's name for it; the message may quote what was sent."""
        if code == "ParameterNotFound":
            return ConsumerDiffers(f"{self.name} does not exist: make it, with the login that the application uses")
        if code in DENIED:
            return SecretDenied(f"{self.name}: {code}; was the stack deployed with LoginParameterName, and its key?")
        return SecretStoreUnavailable(f"{self.name} could not be reached ({code})")
