"""Secrets from files, as Docker and Kubernetes mount them: NAME_FILE names the file of NAME."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from lakehouse.errors import SettingsError


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets whose files `given` names (variables by their names in lower case).

    A line's end at the end of the file is no part of the secret. SettingsError where a file can't
    be read or is empty.
    """

    def __init__(self, settings: type[BaseSettings], given: Mapping[str, str | None]) -> None:
        super().__init__(settings)
        self._given = given

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The secret, or None where the field is no secret or has no file."""
        path = self._given.get(f"{field_name}_file")
        wanted = field.annotation is SecretStr and path
        return (_read(field_name, str(path)) if wanted else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """What was found, by field."""
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: secret for name, secret in found.items() if secret is not None}


class WithSecretFiles(BaseSettings):
    """Settings that are passed, then in the environment, in files of secrets, in `.env`."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *_: object, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """In order of precedence. A process that is started with NAME needs no NAME_FILE."""
        env, dotenv = sources["env_settings"], sources["dotenv_settings"]
        files = SecretFiles(settings_cls, {**dotenv.env_vars, **env.env_vars})
        return sources["init_settings"], env, files, dotenv


def _read(name: str, path: str) -> str:
    setting = f"{name.upper()}_FILE"
    try:
        secret = Path(path).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(
            f"{setting}: {path} can't be read ({why}).", "Mount it, or mend its rights."
        ) from None
    if not secret:
        raise SettingsError(f"{setting}: {path} is empty.", f"Write the secret into it, or {name}.")
    return secret
