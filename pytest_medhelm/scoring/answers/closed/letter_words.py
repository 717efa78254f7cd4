"""What stands beside a single letter and tells whether it names an option: see ``words``."""

from __future__ import annotations

from pytest_medhelm.scoring.answers.closed.words import REASON, vocabulary

PREFIXES = vocabulary(r"""
    option|answer|choice|ngu|ngo|yi|u|ke|ni|bu|la|opcion|alternativa|вариант
""")
AFTER_LETTER = (
    REASON
    + "|"
    + vocabulary(r"""
    is|isn't|are|was|wasn't|would|will|can|can't|cannot|could|couldn't|should|may|might|must|has|have|had|seems?
    |looks?|appears?|fits?|remains?|and|or|and/or|vs|versus|over|than|rather|instead|not|if|when|in|here|too|also
    |only|alone|first|best|correct|wrong|right|incorrect|with|without|matches|describes|represents|explains|makes|being|on
    |at|after|from|by|does|doesn't|do|did|to|still|then|therefore|thus|unless|even|makes?|provides?|offers?
    |addresses|reflects|meets|lacks|fails|treats|causes|yes|no|true|false|however|option|choice|answer|wins|it|all
    |both|nor|now|es|no|y|e|o|u|et|ou|und|oder|est|n'est|ne|ist|lautet|nicht|nao|non|seria|sera|serait|ware|ma|mas
    |mais|aber|pero|correct[ae]|corret[ao]|corrett[ao]|la|se|en|em|con|com|mit|avec|por|est|scheidet|queda|parece
    |cumple|corresponde|konnte|sollte|kann|wird|hat|adalah|yang|benar|tidak|bukan|dan|atau|la|vi|dung|khong|đung|ni
    |si|sahihi|na|au|or|kwa|ndiyo|jest|ar|er|och|en|of|is|niet|juist
    |sino|esta|sondern|tetapi|bukan|estaria|deve|debe
    |the (?:right|best|correct|most|better|preferred|ideal)
    |trifft|stimmt|passt|convient|ndilo|noch
    |stands|emerges|reduces|increases|prevents|lowers|improves|applies|works|satisfies|aligns|accounts
    |holds|comes|belongs|covers|targets|involves|refers|points|suits|gives|remained|became|stays|answers
    |captures|states|says
    |i|hoac|atau|dan|au|na|va|of course|obviously|covers
""")
)
AFTER_ARTICLE_LETTER = vocabulary(r"""
    is|isn't|are|was|wasn't|would|will|can|can't|cannot|could|should|may|might|must|has|seems?|looks|appears|fits
    |remains|and|or|and/or|vs|versus|over|than|rather|instead|not|because|since|as|due|which|but|although|though
    |while|whereas|in|here|too|also|if|when|with|does|doesn't|explains|describes|matches|lacks|fails|therefore|thus
    |unless|even|then|to|wins|es|no|y|e|o|ou|est|et|ist|und|oder|nicht|nao|seria|sera|serait|ware|porque|parce|car
    |weil|pois|perche|pero|mas|mais|aber|queda|scheidet|parece|adalah|karena|tidak|bukan|dan|atau|la|vi|ni|si|kwa
    |ndiyo|est|n'est
    |sino|esta|sondern|instead|tetapi|bukan|fits|best|alone|only|noch
    |stands|emerges|reduces|prevents|works|aligns|accounts|comes|explains|suits|says|states
    |hoac|atau|dan|au|ou|oder|y|va|i think|i believe|stays
""")
# What a single letter belongs to that is no option.
CARRIER = vocabulary(r"""
    hepatit\w+|vitamin\w*|types?|tipo|typ|groups?|grupo|gruppe|groupe|class|clase|classe|stage|estadio|stadium|grade
    |grado|factor|faktor|facteur|influenza|protein|proteina|phase|category|pugh|streptococcus|streptococci|plan
    |schedule|haemophilus|immunoglobulin|serotype|blood|amphotericin|c[iy]closporin|polymyxin|penicillin|coxsackie
    |botulinum|toxin|complement|chromosome|apolipoprotein|lesion|point|figure|panel|table|part|case|patient|site
    |section|arm|cohort|drug|medication|subtype|ha?emoglobin|hb|mr|dr|st|apo|xeroderma|hypervitaminosis|anti
    |strain|troponin
    |virus|zone|segment|criterion|appendix|exhibit|fig|витамин|гепатит|тип|группа
""")
COMMON = frozenset(
    [
        "yes",
        "no",
        "maybe",
        "true",
        "false",
        "si",
        "oui",
        "non",
        "ja",
        "nein",
        "sim",
        "nao",
        "none",
        "both",
        "never",
        "always",
        "other",
        "others",
        "unknown",
    ]
)
SPECIES = vocabulary(r"""
    difficile|coli|aureus|albicans|glabrata|krusei|pneumoniae|pneumophila|perfringens|tetani|botulinum
    |jejuni|trachomatis
    |neoformans|immitis|cereus|burnetii|pertussis|diphtheriae|influenzae|ducreyi|faecalis|faecium
    |meningitidis|gonorrhoeae
    |falciparum|vivax|malariae|gondii|marcescens|cloacae|mirabilis|vulgaris|aeruginosa|pyogenes
    |agalactiae|viridans|bovis
    |gallolyticus|epidermidis|saprophyticus|lugdunensis|fumigatus|flavus|jirovecii|carinii|lamblia
    |histolytica|burgdorferi
    |pallidum|leprae|tuberculosis|avium|kansasii|henselae|quintana|tularensis|pestis|anthracis|monocytogenes|elegans
    |typhi|flexneri|sonnei|dysenteriae|enterocolitica|pylori|vulnificus|cholerae|baumannii|maltophilia|cepacia|canis
    |solium|saginata|stercoralis|vermicularis|lumbricoides|mansoni|haematobium|capsulatum|dermatitidis
    |vaginalis|oxytoca
""")
