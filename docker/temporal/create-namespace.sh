#!/bin/sh
# Creates the namespace TEMPORAL_NAMESPACE on the server at TEMPORAL_ADDRESS unless it is there. Its
# retention of finished workflows is set by Posthorn (role `setup`).
set -eu

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  echo "Namespace $TEMPORAL_NAMESPACE is there already."
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
fi
