"""Small files in whatever storage Hadoop knows: where checkpoints stand."""

from typing import Any

from pyspark.sql import SparkSession


class Folder:
    """A folder by its address; py4j's errors where it can't be reached."""

    def __init__(self, spark: SparkSession, address: str) -> None:
        jvm: Any = spark.sparkContext._jvm
        self._jvm = jvm
        self._path = jvm.org.apache.hadoop.fs.Path(address)
        self._system = self._path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())

    def numbers(self, name: str) -> list[int]:
        """The files of a folder within whose names are numbers; none where it is not there."""
        folder = self._at(name)
        if not self._system.exists(folder):
            return []
        names = [each.getPath().getName() for each in self._system.listStatus(folder)]
        return [int(each) for each in names if each.isdigit()]

    def text(self, *names: str) -> str:
        """What a file within holds."""
        stream = self._system.open(self._at(*names))
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def _at(self, *names: str) -> Any:
        path = self._path
        for name in names:
            path = self._jvm.org.apache.hadoop.fs.Path(path, name)
        return path
