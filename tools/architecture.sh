#!/bin/sh
# Prints the processor architecture of the last deployment, or the template's default.
set -eu
cd "$(dirname "$0")/.."
{
    sed -nE 's/.*[^A-Za-z]Architecture=[\\"]*([a-z0-9_]+).*/\1/p' samconfig.toml
    sed -nE '/^  Architecture:/,/Default:/s/ *Default: //p' template.yaml
} | head -n 1
