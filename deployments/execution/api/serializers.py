"""Interruptions as JSON."""

from typing import Any

from rest_framework import serializers

from deployments.access.models import User
from deployments.base.api.fields import MomentField, text, texts
from deployments.base.api.links import space_path
from deployments.base.api.serializers import ResourceSerializer, SpaceResourceSerializer
from deployments.execution.models import Interruption
from deployments.execution.services.interruptions import choices_of, may_act


class InterruptionSerializer(SpaceResourceSerializer):
    """A question with its form: instructions, notes and the result."""

    title = serializers.CharField(read_only=True)
    type = serializers.CharField(source="kind", read_only=True)
    created = MomentField(read_only=True)
    is_pending = serializers.BooleanField(read_only=True)
    form = serializers.SerializerMethodField()
    related_document_ids = serializers.SerializerMethodField()
    responsible_team_ids = texts(read_only=True)
    responsible_user_id = serializers.SerializerMethodField()
    can_take_responsibility = serializers.SerializerMethodField()
    has_responsibility = serializers.SerializerMethodField()
    task_id = serializers.SerializerMethodField()
    correlation_id = serializers.SerializerMethodField()
    is_linked_to_other_interruption = serializers.SerializerMethodField()

    def get_form(self, row: Interruption) -> dict[str, Any]:
        values = {"Instructions": None, "Notes": row.notes or None, "Result": row.result or None}
        buttons = [{"Text": name, "Value": name} for name in choices_of(row)]
        return {
            "Values": values,
            "Elements": [
                _element("Instructions", {"Type": "Paragraph", "Text": row.instructions}),
                _element("Notes", {"Type": "TextArea", "Label": "Notes"}),
                _element("Result", {"Type": "SubmitButtonGroup", "Buttons": buttons}),
            ],
        }

    def get_related_document_ids(self, row: Interruption) -> list[str]:
        task = row.task
        numbers = {"Projects": task.project_number, "Environments": task.environment_number}
        related = [f"{prefix}-{number}" for prefix, number in numbers.items() if number]
        deployment = task.arguments.get("DeploymentId")
        return [task.public_id, *([deployment] if deployment else []), *related]

    def get_responsible_user_id(self, row: Interruption) -> str | None:
        return row.responsible_user_id or None

    def get_can_take_responsibility(self, row: Interruption) -> bool:
        return row.is_pending and may_act(self.context["actor"], row)

    def get_has_responsibility(self, row: Interruption) -> bool:
        return bool(row.responsible_user_id == self.context["actor"].public_id)

    def get_task_id(self, row: Interruption) -> str:
        return row.task.public_id

    def get_correlation_id(self, row: Interruption) -> str:
        return f"{row.task.public_id}_{row.execution_id}"

    def get_is_linked_to_other_interruption(self, row: Interruption) -> bool:
        return False

    def get_links(self, row: Interruption) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "interruptions", row.public_id)
        return {
            "Self": path,
            "Submit": f"{path}/submit",
            "Responsible": f"{path}/responsible",
            "Task": space_path(f"Spaces-{row.space_id}", "tasks", row.task.public_id),
        }


class AnswerSerializer(ResourceSerializer):
    """What a person answers."""

    result = serializers.CharField()
    notes = text(allow_null=True)


def responsible_user(user: User) -> dict[str, Any]:
    """Return what others may know of the responsible person."""
    return {
        "Id": user.public_id,
        "Username": user.username,
        "DisplayName": user.display_name,
        "IsActive": user.is_active,
        "IsService": user.is_service,
        "Links": {"Self": f"/api/users/{user.public_id}"},
    }


def _element(name: str, control: dict[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Control": control, "IsValueRequired": name == "Result"}
