"""What a resource of each type may hold, as a table: fields, required ones, codes, references, status, search.

A field is written ``name[!][*]:Type``: ``!`` required, ``*`` a list. ``code(a|b)`` is one of these, ``Reference(A|B)``
a resource of these types. The names and values are those of FHIR R4 (https://hl7.org/fhir/R4), of which this is a
subset; a chart entry always names its patient here, also where R4 leaves that open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

COMMON = "id:id meta:object implicitRules:uri language:code text:object contained*:object extension*:object"
_FIELD = re.compile(r"(\w+)(!?)(\*?):(\w+)(?:\(([^)]*)\))?")


@dataclass(frozen=True)
class FieldRule:
    """One element of a resource."""

    name: str
    required: bool
    many: bool
    type: str
    allowed: tuple[str, ...]
    """Of a code its values, of a reference its target types; empty: any."""


@dataclass(frozen=True)
class Rule:
    """A resource type."""

    fields_text: str
    search_text: str
    """``name=kind:path``; several paths are joined by commas."""
    patient: str = ""
    """Path of the reference to the patient whose chart it belongs to; empty for none."""
    one_of: tuple[str, ...] = ()
    """Elements of which one must be there (value[x])."""
    transitions: Mapping[str, str] | None = None
    """By status, the statuses that may follow, joined by blanks; a status that is not named may become any."""

    @cached_property
    def fields(self) -> Mapping[str, FieldRule]:
        """The elements by name."""
        found = _FIELD.findall(f"{COMMON} {self.fields_text}")
        return {
            name: FieldRule(name, bool(required), bool(many), kind, tuple(filter(None, allowed.split("|"))))
            for name, required, many, kind, allowed in found
        }

    @cached_property
    def search(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """By search parameter its kind and where it looks."""
        entries = (entry.split("=", 1) for entry in f"_id=token:id _lastUpdated=date:meta.lastUpdated {self.search_text}".split())
        return {name: (text.partition(":")[0], tuple(text.partition(":")[2].split(","))) for name, text in entries}


_ORDER_STATUS = "code(draft|active|on-hold|revoked|completed|entered-in-error|unknown)"
_MEDICATION_STATUS = "code(active|on-hold|cancelled|completed|entered-in-error|stopped|draft|unknown)"
_INTENT = "code(proposal|plan|directive|order|original-order|reflex-order|filler-order|instance-order|option)"
_PRIORITY = "code(routine|urgent|asap|stat)"
_WHO = "Reference(Practitioner|Patient)"
_END = "entered-in-error"
_ORDERED = {
    "completed": _END,
    "revoked": _END,
    "stopped": _END,
    "cancelled": _END,
    "entered-in-error": "",
    "active": "on-hold completed stopped cancelled revoked entered-in-error",
}

RULES: Mapping[str, Rule] = {
    "Patient": Rule(
        "identifier*:Identifier active:boolean name!*:HumanName telecom*:ContactPoint gender:code(male|female|other|unknown) "
        "birthDate:date deceasedBoolean:boolean deceasedDateTime:dateTime address*:Address maritalStatus:CodeableConcept "
        "contact*:object communication*:object generalPractitioner*:Reference(Practitioner)",
        "identifier=token:identifier name=string:name family=string:name.family given=string:name.given birthdate=date:birthDate "
        "gender=token:gender address=string:address address-city=string:address.city active=token:active "
        "address-postalcode=string:address.postalCode telecom=token:telecom "
        "general-practitioner=reference:generalPractitioner",
        patient="id",
    ),
    "Practitioner": Rule(
        "identifier*:Identifier active:boolean name!*:HumanName telecom*:ContactPoint gender:code(male|female|other|unknown) "
        "qualification*:object",
        "identifier=token:identifier name=string:name family=string:name.family given=string:name.given "
        "active=token:active qualification=token:qualification.code",
    ),
    "Encounter": Rule(
        "identifier*:Identifier status!:code(planned|arrived|triaged|in-progress|onleave|finished|cancelled|entered-in-error|unknown) "
        "class!:Coding type*:CodeableConcept subject!:Reference(Patient) participant*:object period:Period "
        "reasonCode*:CodeableConcept diagnosis*:object hospitalization:object serviceType:CodeableConcept "
        "priority:CodeableConcept location*:object",
        "patient=reference:subject subject=reference:subject date=date:period status=token:status class=token:class type=token:type "
        "reason-code=token:reasonCode",
        patient="subject",
        transitions={"finished": _END, "cancelled": _END, "entered-in-error": ""},
    ),
    "Condition": Rule(
        "identifier*:Identifier clinicalStatus:CodeableConcept verificationStatus:CodeableConcept category*:CodeableConcept "
        "severity:CodeableConcept code!:CodeableConcept subject!:Reference(Patient) encounter:Reference(Encounter) "
        "onsetDateTime:dateTime abatementDateTime:dateTime recordedDate:dateTime recorder:Reference(Practitioner) "
        "asserter:Reference(Practitioner) note*:Annotation bodySite*:CodeableConcept evidence*:object stage*:object",
        "patient=reference:subject subject=reference:subject code=token:code category=token:category "
        "clinical-status=token:clinicalStatus onset-date=date:onsetDateTime recorded-date=date:recordedDate "
        "encounter=reference:encounter verification-status=token:verificationStatus",
        patient="subject",
    ),
    "Observation": Rule(
        "identifier*:Identifier basedOn*:Reference(ServiceRequest|MedicationRequest|CarePlan) "
        "status!:code(registered|preliminary|final|amended|corrected|cancelled|entered-in-error|unknown) "
        "category*:CodeableConcept code!:CodeableConcept subject!:Reference(Patient) encounter:Reference(Encounter) "
        "effectiveDateTime:dateTime effectivePeriod:Period issued:instant performer*:Reference(Practitioner|Patient) "
        "valueQuantity:Quantity valueString:string valueCodeableConcept:CodeableConcept valueInteger:integer "
        "valueBoolean:boolean valueDateTime:dateTime interpretation*:CodeableConcept note*:Annotation method:CodeableConcept "
        "dataAbsentReason:CodeableConcept referenceRange*:object component*:object derivedFrom*:Reference(Observation) "
        "hasMember*:Reference(Observation) bodySite:CodeableConcept",
        "patient=reference:subject subject=reference:subject code=token:code category=token:category "
        "date=date:effectiveDateTime,effectivePeriod status=token:status encounter=reference:encounter "
        "value-quantity=quantity:valueQuantity based-on=reference:basedOn component-code=token:component.code",
        patient="subject",
        transitions={"final": "amended corrected entered-in-error", "entered-in-error": "", "cancelled": _END},
    ),
    "MedicationRequest": Rule(
        f"identifier*:Identifier status!:{_MEDICATION_STATUS} statusReason:CodeableConcept intent!:{_INTENT} "
        f"category*:CodeableConcept priority:{_PRIORITY} doNotPerform:boolean medicationCodeableConcept:CodeableConcept "
        "subject!:Reference(Patient) encounter:Reference(Encounter) authoredOn:dateTime requester:Reference(Practitioner) "
        "reasonCode*:CodeableConcept reasonReference*:Reference(Condition|Observation) note*:Annotation "
        "dosageInstruction*:Dosage dispenseRequest:object substitution:object priorPrescription:Reference(MedicationRequest) "
        "basedOn*:Reference(CarePlan|MedicationRequest|ServiceRequest) courseOfTherapyType:CodeableConcept recorder:Reference(Practitioner)",
        "patient=reference:subject subject=reference:subject status=token:status intent=token:intent code=token:medicationCodeableConcept "
        "authoredon=date:authoredOn date=date:authoredOn encounter=reference:encounter requester=reference:requester "
        "category=token:category priority=token:priority",
        patient="subject",
        one_of=("medicationCodeableConcept",),
        transitions=_ORDERED,
    ),
    "MedicationAdministration": Rule(
        "identifier*:Identifier status!:code(in-progress|not-done|on-hold|completed|entered-in-error|stopped|unknown) "
        "statusReason*:CodeableConcept medicationCodeableConcept:CodeableConcept subject!:Reference(Patient) "
        "context:Reference(Encounter) effectiveDateTime:dateTime effectivePeriod:Period performer*:object "
        "request:Reference(MedicationRequest) dosage:object note*:Annotation reasonCode*:CodeableConcept category:CodeableConcept",
        "patient=reference:subject subject=reference:subject status=token:status code=token:medicationCodeableConcept "
        "effective-time=date:effectiveDateTime,effectivePeriod request=reference:request context=reference:context",
        patient="subject",
        one_of=("medicationCodeableConcept",),
        transitions={"entered-in-error": "", "completed": _END},
    ),
    "MedicationStatement": Rule(
        "identifier*:Identifier status!:code(active|completed|entered-in-error|intended|stopped|on-hold|unknown|not-taken) "
        "statusReason*:CodeableConcept category:CodeableConcept medicationCodeableConcept:CodeableConcept "
        "subject!:Reference(Patient) context:Reference(Encounter) effectiveDateTime:dateTime effectivePeriod:Period "
        f"dateAsserted:dateTime informationSource:{_WHO} reasonCode*:CodeableConcept note*:Annotation dosage*:Dosage "
        "derivedFrom*:Reference",
        "patient=reference:subject subject=reference:subject status=token:status code=token:medicationCodeableConcept "
        "effective=date:effectiveDateTime,effectivePeriod",
        patient="subject",
        one_of=("medicationCodeableConcept",),
    ),
    "AllergyIntolerance": Rule(
        "identifier*:Identifier clinicalStatus:CodeableConcept verificationStatus:CodeableConcept type:code(allergy|intolerance) "
        "category*:code(food|medication|environment|biologic) criticality:code(low|high|unable-to-assess) code!:CodeableConcept "
        f"patient!:Reference(Patient) encounter:Reference(Encounter) onsetDateTime:dateTime recordedDate:dateTime recorder:{_WHO} "
        f"asserter:{_WHO} lastOccurrence:dateTime note*:Annotation reaction*:object",
        "patient=reference:patient code=token:code clinical-status=token:clinicalStatus criticality=token:criticality "
        "category=token:category date=date:recordedDate verification-status=token:verificationStatus",
        patient="patient",
    ),
    "Procedure": Rule(
        "identifier*:Identifier status!:code(preparation|in-progress|not-done|on-hold|stopped|completed|entered-in-error|unknown) "
        "category:CodeableConcept code!:CodeableConcept subject!:Reference(Patient) encounter:Reference(Encounter) "
        "performedDateTime:dateTime performedPeriod:Period performer*:object reasonCode*:CodeableConcept note*:Annotation "
        "outcome:CodeableConcept bodySite*:CodeableConcept basedOn*:Reference(CarePlan|ServiceRequest) report*:Reference",
        "patient=reference:subject subject=reference:subject code=token:code date=date:performedDateTime,performedPeriod "
        "status=token:status encounter=reference:encounter category=token:category",
        patient="subject",
        transitions={"completed": _END, "entered-in-error": ""},
    ),
    "ServiceRequest": Rule(
        f"identifier*:Identifier basedOn*:Reference replaces*:Reference(ServiceRequest) status!:{_ORDER_STATUS} intent!:{_INTENT} "
        f"category*:CodeableConcept priority:{_PRIORITY} doNotPerform:boolean code!:CodeableConcept orderDetail*:CodeableConcept "
        "subject!:Reference(Patient) encounter:Reference(Encounter) occurrenceDateTime:dateTime occurrencePeriod:Period "
        "authoredOn:dateTime requester:Reference(Practitioner) performer*:Reference(Practitioner) performerType:CodeableConcept "
        "reasonCode*:CodeableConcept reasonReference*:Reference note*:Annotation specimen*:Reference bodySite*:CodeableConcept "
        "supportingInfo*:Reference patientInstruction:string insurance*:Reference(Coverage|ClaimResponse)",
        "patient=reference:subject subject=reference:subject code=token:code status=token:status category=token:category "
        "authored=date:authoredOn occurrence=date:occurrenceDateTime,occurrencePeriod priority=token:priority intent=token:intent "
        "requester=reference:requester encounter=reference:encounter performer=reference:performer",
        patient="subject",
        transitions=_ORDERED,
    ),
    "DiagnosticReport": Rule(
        "identifier*:Identifier basedOn*:Reference(ServiceRequest) status!:code(registered|partial|preliminary|final|amended|corrected|"
        "appended|cancelled|entered-in-error|unknown) category*:CodeableConcept code!:CodeableConcept subject!:Reference(Patient) "
        "encounter:Reference(Encounter) effectiveDateTime:dateTime issued:instant performer*:Reference(Practitioner) "
        "result*:Reference(Observation) conclusion:string conclusionCode*:CodeableConcept presentedForm*:Attachment",
        "patient=reference:subject subject=reference:subject code=token:code category=token:category date=date:effectiveDateTime "
        "status=token:status encounter=reference:encounter result=reference:result",
        patient="subject",
        transitions={"final": "amended corrected appended entered-in-error", "entered-in-error": ""},
    ),
    "DocumentReference": Rule(
        "identifier*:Identifier status!:code(current|superseded|entered-in-error) docStatus:code(preliminary|final|amended|entered-in-error) "
        f"type:CodeableConcept category*:CodeableConcept subject!:Reference(Patient) date:instant author*:{_WHO} description:string "
        "content!*:object context:object relatesTo*:object authenticator:Reference(Practitioner) securityLabel*:CodeableConcept",
        "patient=reference:subject subject=reference:subject type=token:type category=token:category date=date:date status=token:status "
        "description=string:description author=reference:author encounter=reference:context.encounter",
        patient="subject",
        transitions={"entered-in-error": "", "superseded": _END},
    ),
    "Binary": Rule("contentType!:code data:string securityContext:Reference", "contenttype=token:contentType"),
    "Appointment": Rule(
        "identifier*:Identifier status!:code(proposed|pending|booked|arrived|fulfilled|cancelled|noshow|entered-in-error|checked-in|waitlist) "
        "cancelationReason:CodeableConcept serviceCategory*:CodeableConcept serviceType*:CodeableConcept specialty*:CodeableConcept "
        "appointmentType:CodeableConcept reasonCode*:CodeableConcept priority:integer description:string start:instant end:instant "
        "minutesDuration:integer slot*:Reference(Slot) created:dateTime comment:string patientInstruction:string "
        "basedOn*:Reference(ServiceRequest) participant!*:object",
        "patient=reference:participant.actor actor=reference:participant.actor practitioner=reference:participant.actor date=date:start "
        "status=token:status slot=reference:slot specialty=token:specialty service-type=token:serviceType",
        patient="participant.actor",
        transitions={"cancelled": _END, "fulfilled": _END, "noshow": _END, "entered-in-error": ""},
    ),
    "Slot": Rule(
        "identifier*:Identifier serviceCategory*:CodeableConcept serviceType*:CodeableConcept specialty*:CodeableConcept "
        "appointmentType:CodeableConcept schedule!:Reference(Schedule) status!:code(busy|free|busy-unavailable|busy-tentative|entered-in-error) "
        "start!:instant end!:instant overbooked:boolean comment:string",
        "schedule=reference:schedule status=token:status start=date:start specialty=token:specialty service-type=token:serviceType",
    ),
    "Schedule": Rule(
        "identifier*:Identifier active:boolean serviceCategory*:CodeableConcept serviceType*:CodeableConcept specialty*:CodeableConcept "
        "actor!*:Reference(Practitioner) planningHorizon:Period comment:string",
        "actor=reference:actor specialty=token:specialty active=token:active service-type=token:serviceType date=date:planningHorizon",
    ),
    "Task": Rule(
        "identifier*:Identifier basedOn*:Reference partOf*:Reference(Task) status!:code(draft|requested|received|accepted|rejected|ready|"
        "cancelled|in-progress|on-hold|failed|completed|entered-in-error) statusReason:CodeableConcept businessStatus:CodeableConcept "
        f"intent!:code(unknown|proposal|plan|order|original-order|reflex-order|filler-order|instance-order|option) priority:{_PRIORITY} "
        "code:CodeableConcept description:string focus:Reference for!:Reference(Patient) encounter:Reference(Encounter) "
        f"executionPeriod:Period authoredOn:dateTime lastModified:dateTime requester:{_WHO} owner:{_WHO} reasonCode:CodeableConcept "
        "note*:Annotation restriction:object input*:object output*:object",
        "patient=reference:for subject=reference:for status=token:status owner=reference:owner priority=token:priority "
        "authored-on=date:authoredOn code=token:code requester=reference:requester focus=reference:focus",
        patient="for",
        transitions={"completed": _END, "cancelled": _END, "failed": _END, "rejected": _END, "entered-in-error": ""},
    ),
    "Communication": Rule(
        "identifier*:Identifier basedOn*:Reference inResponseTo*:Reference(Communication) status!:code(preparation|in-progress|not-done|"
        f"on-hold|stopped|completed|entered-in-error|unknown) category*:CodeableConcept priority:{_PRIORITY} subject!:Reference(Patient) "
        f"topic:CodeableConcept about*:Reference encounter:Reference(Encounter) sent:dateTime received:dateTime recipient*:{_WHO} "
        f"sender:{_WHO} reasonCode*:CodeableConcept payload!*:object note*:Annotation",
        "patient=reference:subject subject=reference:subject status=token:status sent=date:sent sender=reference:sender "
        "recipient=reference:recipient category=token:category",
        patient="subject",
        transitions={"completed": _END, "entered-in-error": ""},
    ),
    "Coverage": Rule(
        "identifier*:Identifier status!:code(active|cancelled|draft|entered-in-error) type:CodeableConcept policyHolder:Reference(Patient) "
        "subscriber:Reference(Patient) subscriberId:string beneficiary!:Reference(Patient) relationship:CodeableConcept period:Period "
        "payor!*:object class*:object order:integer network:string",
        "patient=reference:beneficiary beneficiary=reference:beneficiary status=token:status type=token:type identifier=token:identifier",
        patient="beneficiary",
    ),
    "Claim": Rule(
        "identifier*:Identifier status!:code(active|cancelled|draft|entered-in-error) type!:CodeableConcept subType:CodeableConcept "
        "use!:code(claim|preauthorization|predetermination) patient!:Reference(Patient) billablePeriod:Period created!:dateTime "
        "enterer:Reference(Practitioner) insurer:object provider!:Reference(Practitioner) priority!:CodeableConcept "
        "prescription:Reference(MedicationRequest) referral:Reference(ServiceRequest) careTeam*:object supportingInfo*:object "
        "diagnosis*:object procedure*:object insurance!*:object item*:object total:object related*:object",
        "patient=reference:patient status=token:status use=token:use created=date:created provider=reference:provider",
        patient="patient",
        transitions={"cancelled": _END, "entered-in-error": ""},
    ),
    "ClaimResponse": Rule(
        "identifier*:Identifier status!:code(active|cancelled|draft|entered-in-error) type!:CodeableConcept "
        "use!:code(claim|preauthorization|predetermination) patient!:Reference(Patient) created!:dateTime insurer!:object "
        "request:Reference(Claim) outcome!:code(queued|complete|error|partial) disposition:string preAuthRef:string item*:object "
        "error*:object processNote*:object requestor:Reference(Practitioner)",
        "patient=reference:patient status=token:status use=token:use created=date:created request=reference:request outcome=token:outcome",
        patient="patient",
    ),
    "CarePlan": Rule(
        f"identifier*:Identifier status!:{_ORDER_STATUS} intent!:code(proposal|plan|order|option) category*:CodeableConcept title:string "
        "description:string subject!:Reference(Patient) encounter:Reference(Encounter) period:Period created:dateTime "
        "author:Reference(Practitioner) addresses*:Reference(Condition) goal*:Reference activity*:object note*:Annotation "
        "contributor*:Reference(Practitioner)",
        "patient=reference:subject subject=reference:subject status=token:status category=token:category date=date:period",
        patient="subject",
        transitions=_ORDERED,
    ),
    "Immunization": Rule(
        "identifier*:Identifier status!:code(completed|entered-in-error|not-done) statusReason:CodeableConcept vaccineCode!:CodeableConcept "
        "patient!:Reference(Patient) encounter:Reference(Encounter) occurrenceDateTime:dateTime occurrenceString:string "
        "recorded:dateTime primarySource:boolean lotNumber:string expirationDate:date site:CodeableConcept route:CodeableConcept "
        "doseQuantity:Quantity performer*:object note*:Annotation reasonCode*:CodeableConcept protocolApplied*:object",
        "patient=reference:patient vaccine-code=token:vaccineCode date=date:occurrenceDateTime status=token:status",
        patient="patient",
        one_of=("occurrenceDateTime", "occurrenceString"),
        transitions={"entered-in-error": ""},
    ),
}
"""By resource type."""
