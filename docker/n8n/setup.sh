#!/bin/sh
# Credentials and workflows of n8n/ into n8n's database, published, as lakehouse/stack/n8n.py does
# it natively. n8n ends with 0 whatever happened: what counts is what it says.
set -eu
must_say() {
  wanted=$1
  shift
  told=$("$@" 2>&1) || true
  case $told in *"$wanted"*) ;; *)
    printf 'failed: %s\n%s\n' "$*" "$told" >&2
    exit 1
    ;;
  esac
}
must_say 'Successfully imported' n8n import:credentials --separate --input=/firehose/credentials
must_say 'Successfully imported' n8n import:workflow --separate --input=/firehose/workflows
for id in error-report market-pulse spike-explainer; do
  must_say 'Note: Changes' n8n publish:workflow --id="$id"
done
echo "The workflows are published."
