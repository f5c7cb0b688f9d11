"""Who people are to each other and what stands in a council's or a community team's list.

Sources: SNOMED CT UK Edition (© SNOMED International, UK use under the NHS TRUD licence) for relationships, alerts and
family history; everything else is words with a code of the source's own list ("local").
"""

from __future__ import annotations

from demo.people.contents import Code, Concept


def sct(code: str, text: str) -> Concept:
    return Concept(text, (Code("sct", code, text),))


def local(code: str, text: str) -> Concept:
    return Concept(text, (Code("local", code, text),))


RELATIONSHIPS = {
    "mother": sct("72705000", "Mother"),
    "father": sct("66839005", "Father"),
    "spouse": sct("127848009", "Spouse"),
    "daughter": sct("66089001", "Daughter"),
    "son": sct("65616008", "Son"),
}
ALERTS = {
    "pacemaker": sct("441509002", "Cardiac pacemaker in situ"),
    "falls": sct("129839007", "At risk for falls"),
    "airway": local("AIRWAY-2", "Difficult airway: grade 3 view, videolaryngoscope used"),
    "mrsa": local("MRSA", "MRSA carrier: screen on admission"),
    "blood": local("IRRAD", "Irradiated blood products only"),
    "steroids": local("STEROID", "Long-term steroids: do not stop suddenly"),
}
NEEDS = {
    "interpreter": local("RA-INT", "Interpreter needed"),
    "sign-language": local("RA-BSL", "British Sign Language interpreter needed"),
    "easy-read": local("RA-EASY", "Written information in easy read"),
    "more-time": local("RA-TIME", "Needs more time in appointments"),
    "large-print": local("RA-LARGE", "Letters in large print"),
    "step-free": local("RA-STEP", "Step-free access and a wheelchair space"),
}
SAFEGUARDING = {
    "adult": local("SG-ADULT", "Safeguarding adults enquiry (section 42)"),
    "child": local("SG-CHILD", "Child in need plan"),
}
SERVICES = {
    "home-care": local("SVC-HC", "Home care, help with washing and dressing"),
    "meals": local("SVC-MEALS", "Meals at home"),
    "equipment": local("SVC-EQ", "Equipment: bath board and raised toilet seat"),
    "day-centre": local("SVC-DAY", "Day centre"),
    "reablement": local("SVC-REAB", "Reablement for six weeks"),
    "telecare": local("SVC-TEL", "Pendant alarm"),
}
DEVICES = {
    "pacemaker": local("DEV-PPM", "Dual chamber pacemaker"),
    "valve": local("DEV-AVR", "Tissue aortic valve"),
    "lens": local("DEV-IOL", "Intraocular lens"),
    "catheter": local("DEV-CATH", "Indwelling urinary catheter"),
    "frame": local("DEV-FRAME", "Walking frame"),
    "mattress": local("DEV-MATT", "Pressure-relieving mattress"),
}
FAMILY = {
    "hypertension": sct("160357008", "Family history of hypertension"),
    "heart": local("FH-IHD", "Family history of heart disease before 60"),
    "bowel": local("FH-BOWEL", "Family history of bowel cancer"),
    "diabetes": local("FH-DM", "Family history of diabetes"),
}
DECISIONS = {
    "respect": local("RESPECT", "ReSPECT: recommended summary plan for emergency care and treatment"),
    "cpr": local("DNACPR", "Decision about cardiopulmonary resuscitation"),
    "adrt": local("ADRT", "Advance decision to refuse treatment"),
    "lpa": local("LPA", "Lasting power of attorney for health and welfare"),
}
PLANS = {
    "urgent": local("UCP", "Urgent care plan"),
    "crisis": local("CRISIS", "Crisis and contingency plan"),
    "nursing": local("NCP", "Community nursing care plan"),
    "asthma": local("AAP", "Asthma action plan"),
}
