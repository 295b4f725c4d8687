#!/bin/sh
# The bucket of the lake, the user S3_ACCESS_KEY who may use that bucket alone, and the user
# S3_READER_ACCESS_KEY, where there is one, who may only read it. Runs at every start: what is there
# already is left as it is, a changed secret is taken over.
set -eu
export MC_HOST_lake="http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@minio:9000"
mc mb --ignore-existing lake/lake

# user ACCESS_KEY SECRET_KEY POLICY
user() {
  mc admin user add lake "$1" "$2" >/dev/null
  # Attaching a policy that is attached already is an error to mc.
  mc admin policy attach lake "$3" --user "$1" >/dev/null 2>&1 ||
    mc admin user info lake "$1" | grep -q "$3"
}

mc admin policy create lake firehose /minio/policy.json
user "$S3_ACCESS_KEY" "$S3_SECRET_KEY" firehose
if [ -n "$S3_READER_ACCESS_KEY" ]; then
  mc admin policy create lake firehose-reader /minio/reader.json
  user "$S3_READER_ACCESS_KEY" "$S3_READER_SECRET_KEY" firehose-reader
fi
echo "The bucket lake is there."
