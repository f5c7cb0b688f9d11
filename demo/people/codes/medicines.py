"""Medicines: dm+d virtual medicinal products (VMP), each one ingredient, strength and form.

Source: NHS dictionary of medicines and devices (dm+d), NHSBSA and NHS England, published under the Open Government
Licence v3; identifiers compared with public NHS FHIR and GP Connect examples. A row without a code is one whose code
was not sure: sources then say it in words alone, as many discharge systems do.
"""

from __future__ import annotations

import msgspec

from demo.people.contents import Code, Concept


class Product(msgspec.Struct, frozen=True):
    """One ingredient, one strength, one form, one usual route. `text` is written as dm+d writes it."""

    key: str
    text: str
    code: str
    route: str
    dose: str  # the usual one, in words
    condition: str  # key of what it is usually for
    other_words: str = ""  # the same ingredient, strength and form as another system spells it
    other_dose: str = ""  # another dose of the same product, for sources that disagree

    def concept(self, *, coded: bool = True, respelt: bool = False) -> Concept:
        text = self.other_words if respelt and self.other_words else self.text
        return Concept(text, (Code("dmd", self.code, self.text),) if coded and self.code else ())


_P = Product
_ALL = (
    _P("bisoprolol", "Bisoprolol 10mg tablets", "318591005", "oral", "ONE tablet each morning", "atrial-fibrillation",
       "Bisoprolol 10 mg tablets", "HALF a tablet each morning"),
    _P("warfarin", "Warfarin 1mg tablets", "42217511000001103", "oral", "as the anticoagulant clinic directs",
       "aortic-stenosis", "Warfarin 1 mg tablets", "THREE tablets at 6 pm"),
    _P("amlodipine", "Amlodipine 10mg tablets", "319284000", "oral", "ONE tablet once a day", "hypertension",
       "Amlodipine 10 mg tablets", "HALF a tablet once a day"),
    _P("ramipril", "Ramipril 10mg tablets", "408052000", "oral", "ONE tablet at night", "hypertension",
       "Ramipril 10 mg tablets", "HALF a tablet at night"),
    _P("ramipril-capsule", "Ramipril 5mg capsules", "318902004", "oral", "ONE capsule each morning", "heart-failure",
       "Ramipril 5 mg capsules", "TWO capsules each morning"),
    _P("furosemide", "Furosemide 40mg tablets", "317972000", "oral", "ONE tablet each morning", "heart-failure",
       "Furosemide 40 mg tablets", "TWO tablets each morning"),
    _P("atorvastatin", "Atorvastatin 20mg tablets", "320030001", "oral", "ONE tablet at night",
       "hypercholesterolaemia", "Atorvastatin 20 mg tablets", "TWO tablets at night"),
    _P("aspirin", "Aspirin 75mg dispersible tablets", "319773006", "oral", "ONE tablet once a day", "nstemi",
       "Aspirin 75 mg dispersible tablets"),
    _P("metformin", "Metformin 500mg tablets", "42084911000001109", "oral", "ONE tablet twice a day with meals",
       "type-2-diabetes", "Metformin 500 mg tablets", "TWO tablets twice a day with meals"),
    _P("insulin-glargine", "Insulin glargine 100units/ml solution for injection 3ml pre-filled disposable devices",
       "38897011000001107", "subcutaneous", "18 units at bedtime", "type-2-diabetes", "", "22 units at bedtime"),
    _P("salbutamol", "Salbutamol 100micrograms/dose inhaler CFC free", "39113611000001102", "inhalation",
       "TWO puffs when needed", "asthma"),
    _P("prednisolone", "Prednisolone 5mg tablets", "42087311000001104", "oral", "ONE tablet each morning", "ckd-5",
       "Prednisolone 5 mg tablets", "FOUR tablets each morning"),
    _P("levothyroxine", "Levothyroxine sodium 100microgram tablets", "39697911000001101", "oral",
       "ONE tablet each morning before food", "hypothyroidism"),
    _P("omeprazole", "Omeprazole 20mg gastro-resistant capsules", "42356411000001102", "oral",
       "ONE capsule each morning", "", "Omeprazole 20 mg gastro-resistant capsules"),
    _P("paracetamol", "Paracetamol 500mg tablets", "42109611000001109", "oral",
       "TWO tablets up to four times a day when needed", "osteoarthritis", "Paracetamol 500 mg tablets"),
    _P("amoxicillin", "Amoxicillin 500mg capsules", "39732411000001106", "oral", "ONE capsule three times a day",
       "lobar-pneumonia", "Amoxicillin 500 mg capsules"),
    _P("citalopram", "Citalopram 20mg tablets", "321987003", "oral", "ONE tablet each morning", "depression",
       "Citalopram 20 mg tablets", "TWO tablets each morning"),
    _P("fluoxetine", "Fluoxetine 20mg capsules", "321949006", "oral", "ONE capsule each morning", "anxiety",
       "Fluoxetine 20 mg capsules"),
    _P("risperidone", "Risperidone 25mg powder and solvent for suspension for injection vials", "4559111000001109",
       "intramuscular", "25 mg every two weeks", "schizophrenia"),
    _P("digoxin", "Digoxin 125microgram tablets", "42208511000001101", "oral", "ONE tablet each morning",
       "atrial-fibrillation"),
    _P("allopurinol", "Allopurinol 300mg tablets", "330062008", "oral", "ONE tablet once a day", "gout",
       "Allopurinol 300 mg tablets"),
    _P("doxycycline", "Doxycycline 100mg capsules", "41948311000001104", "oral", "ONE capsule once a day", "copd",
       "Doxycycline 100 mg capsules"),
    _P("pregabalin", "Pregabalin 75mg capsules", "", "oral", "ONE capsule twice a day", "epilepsy",
       "Pregabalin 75 mg capsules"),
    _P("levetiracetam", "Levetiracetam 500mg tablets", "", "oral", "ONE tablet twice a day", "epilepsy",
       "Levetiracetam 500 mg tablets", "TWO tablets twice a day"),
    _P("tacrolimus", "Tacrolimus 1mg modified-release capsules", "", "oral", "THREE capsules each morning", "ckd-5"),
    _P("mycophenolate", "Mycophenolate mofetil 500mg tablets", "", "oral", "TWO tablets twice a day", "ckd-5"),
    _P("latanoprost", "Latanoprost 50micrograms/ml eye drops", "", "ocular", "ONE drop in each eye at night",
       "glaucoma"),
    _P("lithium", "Lithium carbonate 400mg modified-release tablets", "", "oral", "TWO tablets at night", "bipolar"),
    _P("ibuprofen", "Ibuprofen 400mg tablets", "329653008", "oral", "ONE tablet three times a day with food", "",
       "Ibuprofen 400 mg tablets"),
    _P("omeprazole-10", "Omeprazole 10mg gastro-resistant capsules", "317297007", "oral", "ONE capsule each morning",
       ""),
    _P("ramipril-capsule-low", "Ramipril 1.25mg capsules", "318900007", "oral", "ONE capsule at night", ""),
    _P("amoxicillin-250", "Amoxicillin 250mg capsules", "39732311000001104", "oral", "ONE capsule three times a day",
       ""),
    _P("paracetamol-child", "Paracetamol 120mg/5ml oral suspension paediatric sugar free", "322282001", "oral",
       "5 ml up to four times a day when needed", ""),
    _P("amoxicillin-child", "Amoxicillin 250mg/5ml oral suspension", "41941111000001109", "oral",
       "5 ml three times a day", ""),
    _P("folic-acid", "Folic acid 5mg tablets", "42294611000001109", "oral", "ONE tablet once a day", "",
       "Folic acid 5 mg tablets"),
)  # fmt: skip
NEAR = {"omeprazole": "omeprazole-10", "ramipril-capsule": "ramipril-capsule-low", "amoxicillin": "amoxicillin-250"}
"""Products that differ in strength alone: what must never be joined."""
PRODUCTS = {product.key: product for product in _ALL}
FOR_CONDITION: dict[str, tuple[Product, ...]] = {}
for _product in _ALL:
    FOR_CONDITION[_product.condition] = (*FOR_CONDITION.get(_product.condition, ()), _product)
