"""Presenters made of a portrait."""

from heygen_graphql.rendering.presenters.photo.actor import PhotoActor
from heygen_graphql.rendering.presenters.photo.making import PhotoRefused, make_rig
from heygen_graphql.rendering.presenters.photo.rigfile import BrokenRig, PhotoRig, open_rig

__all__ = ["BrokenRig", "PhotoActor", "PhotoRefused", "PhotoRig", "make_rig", "open_rig"]
