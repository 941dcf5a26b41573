"""Presenters made of a portrait."""

from heygen_graphql.rendering.presenters.photo.actor import PhotoActor
from heygen_graphql.rendering.presenters.photo.making import make_rig
from heygen_graphql.rendering.presenters.photo.rigfile import PhotoRig, open_rig

__all__ = ["PhotoActor", "PhotoRig", "make_rig", "open_rig"]
