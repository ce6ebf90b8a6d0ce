# Serves a run over HTTP, on the CPU.
#
# This image has not been built yet. The file was checked with hadolint. The commands for the installation, the server
# and the health check were run in a virtual environment with Python 3.11; the server ran without root privileges on a
# read-only run.
#
#   docker build -t pixelwise .
#   docker run --rm -p 127.0.0.1:8000:8000 -e PIXELWISE_TOKEN=secret -v "$PWD/runs/first:/run:ro" pixelwise
#
# Clients send the token as "Authorization: Bearer secret". Without PIXELWISE_TOKEN, the server answers every client.
# Options of `pixelwise serve` follow the name of the image.
FROM python:3.13-slim

# Extras of pixelwise, separated by commas. An export to ONNX needs serve,onnxruntime; to OpenVINO serve,openvino.
ARG EXTRAS="serve"
# Options of pip. On x86-64, pip's default torch contains the CUDA libraries (several GB), which this image does not
# use. PyTorch's package index for CPU builds avoids them:
#   docker build --build-arg PIP_OPTIONS="--extra-index-url URL" -t pixelwise .
# PyTorch's installation page shows the URL (system Linux, package pip, platform CPU).
ARG PIP_OPTIONS=""

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
# PIP_OPTIONS is not quoted, so that it may contain several words. The lowest versions are those of pyproject.toml.
# hadolint ignore=DL3013,SC2086
RUN pip install --no-cache-dir ${PIP_OPTIONS} ".[${EXTRAS}]" \
    && useradd --create-home --uid 1000 pixelwise

# The user must be able to read the run. Choose another one with `docker run --user`.
USER 1000
WORKDIR /home/pixelwise
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["pixelwise", "serve", "/run", "--host", "0.0.0.0"]
