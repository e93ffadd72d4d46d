"""A client with TensorFlow alone, which asks as TensorFlow Serving does: a session that checks no shapes.

    python -I client.py MODEL REQUESTS ANSWERS

REQUESTS is a JSON list of {"signature": name, "inputs": {field: {"dtype", "shape", "values"}}}, strings in
base64. ANSWERS becomes a list of {"outputs": {field: ...}} or {"error": kind, "message": text}; the process
says at the end that it is alive. `gfla_tf` cannot be imported here.
"""

import base64
import json
import sys


class Refuse:
    """Makes every import of this project's package fail, however it is installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("gfla_tf", "tests"):
            raise ImportError(f"{name} must not be needed")


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


def main(model, requests, answers):
    sys.meta_path.insert(0, Refuse())
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

    done = []
    with open(requests) as file:
        for request in json.load(file):
            try:
                outputs = run(request["signature"], request["inputs"])
                done.append({"outputs": {field: to_json(value) for field, value in outputs.items()}})
            except tf.errors.OpError as error:
                done.append({"error": type(error).__name__, "message": error.message})
    with open(answers, "w") as file:
        json.dump(done, file)
    print("alive")


if __name__ == "__main__":
    main(*sys.argv[1:])
