#!/bin/sh
# The bucket of the lake, and the user S3_ACCESS_KEY who may use that bucket alone. Runs at every
# start: what is there already is left as it is, a changed secret is taken over.
set -eu
export MC_HOST_lake="http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@minio:9000"
mc mb --ignore-existing lake/lake
mc admin policy create lake firehose /minio/policy.json
mc admin user add lake "$S3_ACCESS_KEY" "$S3_SECRET_KEY" >/dev/null
# Attaching a policy that is attached already is an error to mc.
mc admin policy attach lake firehose --user "$S3_ACCESS_KEY" >/dev/null 2>&1 ||
  mc admin user info lake "$S3_ACCESS_KEY" | grep -q firehose
echo "The bucket lake is there."
