# A cluster for those who would rather have a container; the README says how it is reached.
ARG BASE=python:3.13-slim
FROM ${BASE}
ARG PIP_NO_INDEX
COPY . /source
RUN python3 -m pip install --no-cache-dir --find-links /source/wheels /source && rm -r /source && useradd --create-home dsql
USER dsql
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["dsql-local"]
CMD ["up", "--listen", "0.0.0.0", "--port", "5432"]
