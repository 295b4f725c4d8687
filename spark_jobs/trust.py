"""What Java is told to trust beside the public authorities: S3_CA_FILE."""

from lakehouse.settings import Settings
from lakehouse.stack import java, truststore


def java_options(settings: Settings) -> str:
    """Options for a JVM, with a blank in front; nothing without S3_CA_FILE.

    The truststore is made anew in the data folder. Executors on other machines must find it at
    the same path.
    """
    if not settings.s3_ca_file:
        return ""
    store = truststore.make(
        settings.s3_ca_file, java.find().home, settings.data_path / "truststore"
    )
    return (
        f' "-Djavax.net.ssl.trustStore={store}"'
        f" -Djavax.net.ssl.trustStorePassword={truststore.PASSWORD}"
    )
