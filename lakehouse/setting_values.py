"""Values of settings: as text for a child process, as people may write them, and what is wrong."""

from decimal import Decimal

from pydantic import SecretStr, ValidationError


def names(text: str) -> tuple[str, ...]:
    """The names of a comma list, each once, in order; those that are empty left out."""
    parts = (part.strip() for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def env_text(value: object) -> str:
    """The value as an environment variable holds it; a secret in clear."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Decimal):
        return format(value, "f")
    return ",".join(value) if isinstance(value, tuple) else str(value)


def with_scheme(url: str, schemes: tuple[str, ...]) -> str:
    """The address without a slash at its end; ValueError for another scheme."""
    if not url.startswith(schemes):
        raise ValueError(f"must begin with {' or '.join(schemes)}")
    return url.rstrip("/")


def sentence(error: ValidationError) -> str:
    """One sentence that names each setting that can't be used, and why."""
    # The rejected value is left out on purpose: it may be a secret.
    problems = [
        f"{'.'.join(str(part) for part in item['loc']).upper() or 'Settings'}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(problems).replace("Value error, ", "") + "."
