"""What Snakemake and Toil use of py-tes, which Debian has not: the same names, the same strictness, over plain HTTP.

Every member of an answer must be one that TES 1.1 has; a request that is not answered within ten seconds is made again
under the next base path, creates included.
"""
import datetime
import json
import types

import requests

BASES = ("/ga4gh/tes/v1", "/v1", "")


class _Object:
    FIELDS, TYPES = (), {}

    def __init__(self, *values, **fields):
        fields.update(zip(self.FIELDS, values))
        unknown = set(fields) - set(self.FIELDS)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        for name in self.FIELDS:
            setattr(self, name, fields.get(name))

    def plain(self):
        def value(of):
            if isinstance(of, _Object):
                return of.plain()
            return [value(each) for each in of] if isinstance(of, list) else of
        return {name: value(getattr(self, name)) for name in self.FIELDS if getattr(self, name) is not None}

    @classmethod
    def read(cls, document):
        fields = {}
        for name, value in document.items():
            if value is None:
                raise ValueError(f"{cls.__name__}.{name} is null")
            kind = cls.TYPES.get(name)
            if kind is not None:
                value = [kind.read(each) for each in value] if isinstance(value, list) else kind.read(value)
            elif name.endswith("_time"):
                value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
            fields[name] = value
        return cls(**fields)


class Input(_Object):
    FIELDS = ("url", "path", "type", "name", "description", "content", "streamable")


class Output(_Object):
    FIELDS = ("url", "path", "path_prefix", "type", "name", "description")


class Resources(_Object):
    FIELDS = ("cpu_cores", "ram_gb", "disk_gb", "preemptible", "zones", "backend_parameters",
              "backend_parameters_strict")

    def __init__(self, *values, **fields):
        super().__init__(*values, **fields)
        if self.cpu_cores is not None and not isinstance(self.cpu_cores, int):
            raise TypeError("cpu_cores is a whole number")


class Executor(_Object):
    FIELDS = ("image", "command", "workdir", "stdin", "stdout", "stderr", "env", "ignore_error")


class ExecutorLog(_Object):
    FIELDS = ("start_time", "end_time", "stdout", "stderr", "exit_code")


class OutputFileLog(_Object):
    FIELDS = ("url", "path", "size_bytes")


class TaskLog(_Object):
    FIELDS = ("start_time", "end_time", "metadata", "logs", "outputs", "system_logs")
    TYPES = {"logs": ExecutorLog, "outputs": OutputFileLog}


class Task(_Object):
    FIELDS = ("id", "state", "name", "description", "inputs", "outputs", "resources", "executors", "volumes", "tags",
              "logs", "creation_time")
    TYPES = {"inputs": Input, "outputs": Output, "resources": Resources, "executors": Executor, "logs": TaskLog}


class ServiceInfo(_Object):
    FIELDS = ("id", "name", "type", "description", "organization", "contactUrl", "documentationUrl", "createdAt",
              "updatedAt", "environment", "version", "storage", "tesResources_backend_parameters")


models = types.SimpleNamespace(Input=Input, Output=Output, Resources=Resources, Executor=Executor)


class HTTPClient:
    def __init__(self, url, timeout=10, user=None, password=None, token=None):
        self.url, self.timeout = url.rstrip("/"), timeout
        self.auth = (user, password or "") if user else None
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def _call(self, method, path, **more):
        for base in BASES:
            try:
                answer = requests.request(method, self.url + base + path, headers=self.headers, auth=self.auth,
                                          timeout=self.timeout, **more)
            except (requests.ConnectionError, requests.Timeout):
                if base == BASES[-1]:
                    raise
                continue
            if answer.status_code != 404 or base == BASES[-1]:
                break
        answer.raise_for_status()
        return answer.json()

    def get_service_info(self):
        return ServiceInfo.read(self._call("GET", "/service-info"))

    def create_task(self, task):
        (id,) = self._call("POST", "/tasks", data=json.dumps(task.plain())).values()
        return id

    def get_task(self, task_id, view="BASIC"):
        return Task.read(self._call("GET", f"/tasks/{task_id}", params={"view": view}))

    def cancel_task(self, task_id):
        self._call("POST", f"/tasks/{task_id}:cancel")
