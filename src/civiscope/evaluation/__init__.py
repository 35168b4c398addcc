"""Scoring what the product sees against truth, and running the shipped pipeline on a file.

Facts in: none. Facts out: none.
Invariants: the pipeline is the shipped one, wired as the analyst wires it; a score names what it was
measured on; no clip is tuned to.
"""

from civiscope.evaluation.analysis import AnalysisWish, analyze
from civiscope.evaluation.board import accuracy_section, write_accuracy
from civiscope.evaluation.boxes import iou_matrix
from civiscope.evaluation.detection import DetectionScore, recall_by_height, score_detections
from civiscope.evaluation.formats import read_coco_results, read_coco_truth, read_mot, write_mot
from civiscope.evaluation.happenings import EventScore, EventTruth, read_event_truth, score_events
from civiscope.evaluation.result import AnalysisResult, read_result
from civiscope.evaluation.scene import SCENE_VERSION, Scene, read_scene
from civiscope.evaluation.sequence import FrameBoxes, Placed, by_frame
from civiscope.evaluation.suite import SuiteRow, run_suite, suite_runs, suite_table
from civiscope.evaluation.tables import LabelScore, PlatePlace, read_labels, read_plates, score_labels
from civiscope.evaluation.tracking import TrackingScore, score_tracking

__all__ = [
    "AnalysisWish", "analyze", "AnalysisResult", "read_result",
    "EventScore", "EventTruth", "read_event_truth", "score_events",
    "iou_matrix", "DetectionScore", "recall_by_height", "score_detections",
    "read_coco_results", "read_coco_truth", "read_mot", "write_mot",
    "SCENE_VERSION", "Scene", "read_scene",
    "FrameBoxes", "Placed", "by_frame", "TrackingScore", "score_tracking",
    "LabelScore", "PlatePlace", "read_labels", "read_plates", "score_labels",
    "SuiteRow", "run_suite", "suite_runs", "suite_table", "accuracy_section", "write_accuracy",
]  # fmt: skip
