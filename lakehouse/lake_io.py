"""pyiceberg's access to S3 with an authority of one's own, for which it has no property."""

from pyarrow.fs import S3FileSystem
from pyiceberg.io import S3_ACCESS_KEY_ID, S3_ENDPOINT, S3_REGION, S3_SECRET_ACCESS_KEY
from pyiceberg.io.pyarrow import PyArrowFileIO

from lakehouse.s3_names import CA_FILE


class LakeFileIO(PyArrowFileIO):
    """Files of the lake in an S3 whose certificate CA_FILE's authority signed."""

    def _initialize_s3_fs(self, netloc: str | None) -> S3FileSystem:
        given = self.properties
        return S3FileSystem(
            endpoint_override=given.get(S3_ENDPOINT),
            access_key=given.get(S3_ACCESS_KEY_ID),
            secret_key=given.get(S3_SECRET_ACCESS_KEY),
            region=given.get(S3_REGION),
            tls_ca_file_path=given.get(CA_FILE),
        )
