#!/bin/sh
# Writes a software bill of materials (CycloneDX in JSON) of the Python packages in folders.
# Usage: tools/sbom.sh PYTHON FILE FOLDER..., where PYTHON is an environment that contains cyclonedx-bom.
set -eu
python=$(command -v "$1")
file=$2
shift 2
# The tool reads the packages that an interpreter can import: with -S, only those in PYTHONPATH. The tool itself runs
# with -E, so that it imports none of them: they may be for another processor.
PYTHONPATH=$(IFS=:; echo "$*") "$python" -E -m cyclonedx_py environment -S --output-reproducible --output-file "$file" "$python"
