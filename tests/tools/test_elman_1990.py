"""What the example of Elman's analyses computes by itself: clusters and principal components."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from paths import TOOLS


@pytest.fixture(scope="module")
def example():
    path = TOOLS / "examples/elman_1990.py"
    spec = importlib.util.spec_from_file_location("elman_1990", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_linkage_of_points_on_a_line(example):
    """0, 1 | 4, 6 | 20: 1, 2, then (4 + 6 + 3 + 5) / 4 = 4.5, then (20 + 19 + 16 + 14) / 4 = 17.25."""
    merges = example.average_linkage(np.array([[0.0], [1.0], [4.0], [6.0], [20.0]]))
    assert [set(merge[:2]) for merge in merges] == [{0, 1}, {2, 3}, {5, 6}, {4, 7}]
    assert [merge[2] for merge in merges] == pytest.approx([1.0, 2.0, 4.5, 17.25], rel=1e-12)


def test_linkage_is_the_mean_over_pairs_by_brute_force(example):
    points = np.random.default_rng(1).normal(size=(13, 4))
    clusters = {i: [i] for i in range(13)}
    for number, (left, right, height) in enumerate(example.average_linkage(points)):
        mean = {
            frozenset((a, b)): np.mean(
                [np.linalg.norm(points[i] - points[j]) for i in clusters[a] for j in clusters[b]]
            )
            for a in clusters
            for b in clusters
            if a < b
        }
        assert {left, right} == min(mean, key=mean.__getitem__)
        assert height == pytest.approx(mean[frozenset((left, right))], rel=1e-12)
        clusters[13 + number] = clusters.pop(left) + clusters.pop(right)
    assert list(map(sorted, clusters.values())) == [list(range(13))]


def test_principal_components_of_a_known_plane(example):
    """Points of a plane in 5 dimensions, spread 3 along one direction and 1 along the other."""
    rng = np.random.default_rng(2)
    plane = np.linalg.qr(rng.normal(size=(5, 2)))[0].T
    points = rng.normal(size=(400, 2)) * [3, 1] @ plane + [1.0, 2.0, 3.0, 4.0, 5.0]
    mean, directions, share = example.principal_components(points)
    _, sizes, expected = np.linalg.svd(points - points.mean(0), full_matrices=False)
    np.testing.assert_allclose(mean, points.mean(0), rtol=1e-12)
    np.testing.assert_allclose(np.abs((directions[:2] * expected[:2]).sum(1)), 1, rtol=1e-10)  # signs are free
    np.testing.assert_allclose(share[:2], sizes[:2] ** 2 / (sizes**2).sum(), rtol=1e-10)
    np.testing.assert_allclose(directions[2:] @ plane.T, 0, atol=1e-10)
    np.testing.assert_allclose(directions @ directions.T, np.eye(5), atol=1e-12)
    assert abs(directions[0] @ plane[0]) > 0.99  # the wider of the two comes first


def test_a_trees_clusters_are_counted_in_words(example, capsys):
    kinds = {"nouns": {"a", "b"}, "verbs": {"c", "d"}, "animates": {"a"}, "inanimates": {"b"}}
    example.report_tree([(0, 2, 1.0), (1, 3, 1.0), (4, 5, 2.0)], list("abcd"), kinds)
    assert "highest split: 2 of 4 words" in capsys.readouterr().out
    example.report_tree([(0, 1, 1.0), (2, 4, 1.0), (3, 5, 2.0)], list("abcd"), kinds)
    said = capsys.readouterr().out
    assert "highest split: 3 of 4 words" in said
    assert "nouns      best cluster: 2 of 2, and 0 others" in said
    assert "verbs      best cluster: 1 of 2, and 0 others" in said
