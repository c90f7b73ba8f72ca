#!/bin/sh
# Prints the processor architecture of the deployment CONFIG_ENV, by default that of the template.
set -eu
cd "$(dirname "$0")/.."
{
    sed -nE "s/^Architecture: *[\"']?([a-z0-9_]+).*/\1/p" "parameters.${CONFIG_ENV:-dev}.yaml" 2>/dev/null || :
    sed -nE '/^  Architecture:/,/Default:/s/ *Default: //p' template.yaml
} | head -n 1
