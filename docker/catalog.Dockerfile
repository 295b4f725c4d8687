# syntax=docker/dockerfile:1.7
# Iceberg's own REST catalog with the driver of PostgreSQL, which its image leaves out.
FROM apache/iceberg-rest-fixture:1.10.1

ADD --chmod=0644 \
  --checksum=sha256:2a32a9dcbc42d67a50ad3a0de5efd102c8d2be46720045f2cbd6689f160ab7c7 \
  https://repo1.maven.org/maven2/org/postgresql/postgresql/42.7.8/postgresql-42.7.8.jar \
  /usr/lib/iceberg-rest/postgresql.jar

USER iceberg:iceberg
CMD ["java", "-XX:MaxRAMPercentage=60", "-cp", "iceberg-rest-adapter.jar:postgresql.jar", \
     "org.apache.iceberg.rest.RESTCatalogServer"]
