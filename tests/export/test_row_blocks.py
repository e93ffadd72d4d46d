"""Rows that are processed in blocks give the same results as all rows at once."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.export.row_blocks import map_rows


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 8, 9, 13])
def test_rows_in_blocks(rows):
    values = np.random.default_rng(0).random((rows, 2, 3)).astype(np.float32)
    shared = tf.constant([[10.0]])
    sizes = []

    @tf.function(input_signature=[tf.TensorSpec([None, 2, 3])])
    def run(values):
        def function(values, shared):
            tf.py_function(lambda count: sizes.append(int(count)), [tf.shape(values)[0]], [])
            return [values * shared, tf.reduce_sum(values, [1, 2])]

        output = [tf.TensorSpec([None, 2, 3]), tf.TensorSpec([None])]
        return map_rows(function, [values, shared], tf.shape(values)[0], 4, output)

    products, sums = run(values)
    np.testing.assert_array_equal(products, values * np.float32(10))
    np.testing.assert_allclose(sums, values.sum((1, 2)), rtol=1e-6)
    assert len(set(sizes)) == 1
    assert max(sizes) <= 4
    assert sum(sizes) - rows < len(sizes)
