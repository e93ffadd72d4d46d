"""A client that needs only TensorFlow and, like TensorFlow Serving, uses a session that checks no shapes.

    python -I client.py MODEL

Standard input has one folder per line. The folder's requests.json is a list of {"signature": name, "inputs":
{field: {"dtype", "shape", "values"}}}, with strings in base64. The client writes answers.json there, a list
of {"outputs": {field: ...}} or {"error": kind, "message": text}, and prints "answered". At the end of the
input it prints "done". `gfla_tf` cannot be imported here.
"""

import base64
import json
import sys


class ImportBlocker:
    """A meta path finder that makes every import of this project's packages fail."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("gfla_tf", "tests"):
            raise ImportError(f"{name} must not be imported")


def to_array(field):
    import numpy as np

    values = field["values"]
    if field["dtype"] == "string":
        values = [base64.b64decode(value) for value in values]
        return np.array(values, object).reshape(field["shape"])
    return np.array(values, field["dtype"]).reshape(field["shape"])


def to_json(array):
    if array.dtype == object:
        values = [base64.b64encode(value).decode() for value in array.ravel()]
        return {"dtype": "string", "shape": list(array.shape), "values": values}
    return {"dtype": str(array.dtype), "shape": list(array.shape), "values": array.ravel().tolist()}


def main(model):
    sys.meta_path.insert(0, ImportBlocker())
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2

    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], model).signature_def
    callables = {}

    def run(signature, inputs):
        definition = signatures[signature]
        outputs = sorted(definition.outputs)
        key = (signature, *sorted(inputs))
        if key not in callables:
            options = config_pb2.CallableOptions(
                feed=[definition.inputs[field].name for field in sorted(inputs)],
                fetch=[definition.outputs[field].name for field in outputs],
            )
            callables[key] = session._make_callable_from_options(options)
        values = callables[key](*[to_array(inputs[field]) for field in sorted(inputs)])
        return dict(zip(outputs, values, strict=True))

    def answer(request):
        try:
            outputs = run(request["signature"], request["inputs"])
        except tf.errors.OpError as error:
            return {"error": type(error).__name__, "message": error.message}
        return {"outputs": {field: to_json(value) for field, value in outputs.items()}}

    for line in sys.stdin:
        folder = line.rstrip("\n")
        with open(f"{folder}/requests.json") as file:
            requests = json.load(file)
        with open(f"{folder}/answers.json", "w") as file:
            json.dump([answer(request) for request in requests], file)
        print("answered", flush=True)
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
