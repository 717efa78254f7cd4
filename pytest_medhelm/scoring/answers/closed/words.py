"""The words by which models announce, affirm, reject and weigh an option, by language.

Everything here is a piece of a regular expression over unaccented text (``folding.unaccent``), matched without
regard to case. A space stands for one to three blanks where the patterns are built.
"""

from __future__ import annotations

import re
from functools import cache

from pytest_medhelm.scoring.answers.folding import unaccent


def vocabulary(table: str) -> str:
    """A table of alternatives, wrapped for reading, as one piece of a pattern."""
    return unaccent("".join(line.strip() for line in table.strip().splitlines()))


OPTION = vocabulary(r"""
    options?|choices?|letter|item|opcion|alternativa|letra|inciso|lettre|lettera|buchstabe|opcao|opzione|optie|opsi
    |pilihan|phuong an|lua chon|chaguo|ukhetho|вариант|选项|選項|選択肢|选择|ข้อ|ตัวเลือก|विकल्प|বিকল্প
    |الخيار|선택지|보기
""")

ANSWER = vocabulary(r"""
    answers?|ans|response|respuesta|contestacion|reponse|antwort|losung|resposta|gabarito|risposta|antwoord|svar
    |svaret|odpowiedz|cevap|dogru cevap|jawaban(?:nya)?|kunci jawaban|dap an|đap an|cau tra loi|tra loi|jibu
    |impendulo|idahun|aziza|osisa|amsa|karabo|nhlamulo|mhinduro|jaabi|raspuns(?:ul)?|valasz|odpoved|odgovor
    |ответ|الإجابة
    |الاجابة|إجابة|الجواب|جواب|उत्तर|जवाब|উত্তর|คำตอบ|መልስ|መልሱ|መልሱም|απαντηση|תשובה|پاسخ|答案|正确选项|正確選項
    |正确的?选项|正确的|答え|正解
    |解答|回答|答|정답|답변|답안|답
    |الخيار الصحيح|الاختيار الصحيح
    |anwser|asnwer|answr|anser|awnser|anwer|answear|repuesta|respueta|respsota|resposa|antwoort
    |सही विकल्प|সঠিক বিকল্প
""")
# Scripts and languages in which a phrase may run on before the letter, or that need no copula.
ANSWER_LOOSE = vocabulary(r"""
    ответ|الإجابة|الاجابة|إجابة|الجواب|جواب|उत्तर|जवाब|উত্তর|คำตอบ|መልስ|መልሱ|መልሱም|απαντηση|תשובה|پاسخ
    |答案|正确选项|正確選項
    |正确的?选项|正确的|答え|正解|解答|回答|정답|답변|답안|답|impendulo|idahun|aziza|osisa|jibu|jawaban(?:nya)?
    |đap an
    |dap an|cau tra loi
    |karabo|nhlamulo|mhinduro|jaabi|amsa|gabarito
    |الخيار الصحيح|الاختيار الصحيح
    |सही विकल्प|সঠিক বিকল্প
""")
COPULA = vocabulary(r"""
    is|are|was|would be|will be|should be|must be|remains|equals|has to be|be|es|seria|sera|est|serait|ist|lautet
    |ware|e|foi|sarebbe|adalah|ialah|yaitu|la|ni|ndi|ngu|yi|bu|ke|ya|er|ar|jest|to|este|i|это|هي|هو|है|হল|হলো|হচ্ছে
    |คือ|是|为|為|は|은|는|이|가
    |esta|estao|ithi|je|ndilo
""")
ARTICLE = vocabulary(r"""
    the|a|an|la|el|l|le|il|lo|die|der|das|den|de|o|os|as|het|both|simply|just|either|with|on|for|with option|number
    |n|no\. ?
""")
ADVERB = vocabulary(r"""
    therefore|thus|then|clearly|indeed|actually|most likely|likely|probably|simply|certainly|definitely|still|now
    |also|really|undoubtedly|entonces|por tanto|por lo tanto|donc|claramente|sin duda|sans doute|eindeutig|sicher
    |wohl|dunque|quindi|portanto|entao
    |easily|hands down|obviously|absolutely|surely|evidently|certamente|obviamente|claro
""")
SUPERLATIVE = vocabulary(r"""
    (?:most|more) (?:likely|appropriate|probable|suitable|accurate|consistent|important|common|fitting|effective
    |plausible)|correct|right|best|next(?! best)|first-line|preferred|initial|ideal|optimal|recommended|(?:drug
    |treatment
    |test|method|diagnosis|agent|therapy|modality) of choice|gold standard|diagnosis|mas probable|mas adecuad[ao]
    |mejor|correct[ao]|richtig|korrekt|zutreffend|richtige|juist|benar|đung|sahihi|правильно|верно|верен|верна
    |правилен|plus probable
    |meilleur|wahrscheinlichste|beste|mais provavel|melhor|piu probabile|migliore|最可能|最佳|最合适
    |corret[ao]|corrett[ao]|cert[ao]|giust[ao]|exact[ao]|correcte?
    |(?:good|better|great|reasonable) (?:answer|choice|option)|the (?:cause|mechanism|treatment
    |(?:very )?(?:first |immediate |initial )?(?:next )?step|organism|pathogen|finding|drug|agent|management|therapy
    |test|study|explanation|etiology
    |culprit|causative agent)
    |(?:the|my|our) (?:[a-z]+ )?(?:choice|option|letter|pick|key)|(?:am )?ehesten
    |(?:the )?only (?:[a-z]+ )?(?:option|choice|answer|one)(?: left| remaining)?
    |最も(?:適切|可能性が高い|考えられる|適している|疑われる)|正しい|最適|最有可能|最可能|最恰当|最合理
    |가장 적절한|가장 가능성이? 높은|옳은|наиболее вероят\w+
    |wahrscheinlichste[nr]?|probablemente|waarschijnlijk(?:ste)?|najbardziej prawdopodobn\w+|paling (?:tepat|mungkin)
    |phu hop nhat|ที่ถูกต้อง|ที่เหมาะสมที่สุด|الأرجح|الأصح|الأنسب|सबसे उपयुक्त|सबसे संभावित
""")

FILLER = vocabulary(r"""
    choice|option|letter|here|now|then|therefore|thus|clearly|indeed|actually|most likely|likely|probably|simply
    |certainly|definitely|to this question|to the question|to your question|for this question|for this case
    |for this patient|to this problem|in this case|in this scenario|in this patient|is|would|should|must|will|key
    |provided|selected|among these|among the options|of the above|from the options|given|above
    |based on the information|correct[ae]?|corretta|correta|exact[ae]|giusta|certa|final[ea]?|finale|definitiva
    |richtige|option|muss|deberia|debe|ser|es|para esta pregunta|dieser frage|auf diese frage|a esta pregunta
    |alternativa|a cette question|yang benar|yang tepat|đung|đung nhat|dung|dung nhat|chinh xac|phu hop nhat|sahihi
    |efanele|elungile|echanekileyo|to to|ziri ezi|lungileyo|correspondiente|a questao|da questao|della domanda
    |der frage
""")
CHOOSE = vocabulary(r"""
    i(?:,? personally,?)?(?:'d| would| will|'ll)?(?: have to| still| also| rather| probably)? (?:choose|select|pick
    |go with|go for
    |opt for|vote for|settle on|stick with|say|answer)|i(?: have|'ve)? (?:chose|chosen|selected|picked|settled on)
    |i'm (?:choosing|selecting|picking|going with)|i am (?:choosing|selecting|picking|going with)|let's go with
    |let us go with|we (?:choose|select|pick|should choose|would choose|go with|should select)|you should (?:choose
    |select|pick)|(?:choose|select|pick|choosing|selecting|mark|go with)|my (?:choice|pick|selection|answer
    |vote)(?: is| would be|:)|(?:i|we) (?:think|believe|conclude|am confident|am sure|feel)(?: that)?(?: it is| it's
    | it must be)|elijo|escojo|elegiria|marco|selecciono|eligo|je choisis|je choisirais|je dirais|je selectionne
    |ich wahle|ich wurde|escolho|eu escolho|marco a|assinalo|scelgo|ik kies|saya memilih|saya pilih|pilih|toi chon
    |chon|ninachagua|nachagua|ngikhetha|ndikhetha|chọn|выбираю|я выбираю|выберу|أختار|اختار
    |मैं चुनता हूं|(?:我|应|應|应该|故|因此|所以)?(?:选择|選擇|选|選)|เลือก|ตอบ|खयन
    |(?:i|we) (?:think|believe)(?: that)?
    |i (?:favou?r|prefer|recommend|support|vote)
    |my (?:final|first|best) (?:choice|pick|selection|answer|vote|guess) (?:is|would be)|marque|assinale
    |escolha|elija|elige|wahle|choisissez|scegli|pilihlah
    |(?:going with|going for|going to (?:stick with|choose|select|go with|say)|locking in|opting for|settl(?:e|ed
    |ing) on|landed on|decided (?:on|for)|ended up with
    |went with)
    |(?:i|i'm|i am|we|we're) lean(?:ing)?(?: more| slightly| strongly)?(?: towards?| to)?
    |i(?:'d| would| will|'ll) (?:give|start|order
    |prescribe|recommend|use|administer|perform)
    |i(?:'d| would)? guess|escolheria|marcaria(?: a)?|sceglierei|je (?:pense|crois) que(?: c'est)?|acho que(?: e)?
    |penso che(?: sia)?|ich (?:denke|glaube),?(?: es ist| dass es)?|(?:я )?думаю,?(?: что)?
    |ich (?:entscheide mich fur|nehme|tippe auf)
    |je prends|j'opte pour|me quedo con|opto p(?:or|ela)
    |fico com|opto per|ik ga voor|我選|我选
    |give|administer|prescribe|i (?:now|still) (?:think|believe|say|choose)
    |(?:use|treat with|start with)|(?:i|we) want
""")
# "It is B", "that makes it B", "so B".
IDENTIFY = vocabulary(r"""
    it is|it's|that is|that's|(?:it|that|this) (?:must|would|should|has to|can only|will|needs to) be|that leaves
    |this is
    |this leaves|leaving(?: us with)?|leaves(?: us with)?|points to|pointing to|this makes it|that makes it|make it
    |makes this|which means|which is
    |making it|corresponds to|which corresponds to|matches|(?:so|thus|hence|therefore|consequently|accordingly|ergo
    |overall|in conclusion|in summary|to conclude|finally|ultimately|in short|conclusion)[,:]?(?: it's| it is
    | the answer is| i choose| i would choose)?|es la|es el|c'est la|c'est|es ist|e la|e a|entonces|por lo tanto
    |por tanto|donc|also|portanto|logo|quindi|dunque|dus|jadi|vay|vi vay|do đo|kwa hivyo|ngakho|ke ngoko
    |следовательно|это|значит|итак|поэтому|إذن|لذلك|因此|所以|故|综上|よって|したがって|따라서|그러므로|ดังนั้น|इसलिए
    |তাই
    |ስለዚህ
    |by (?:process of )?(?:elimination|exclusion|default),?|il (?:ne )?reste(?: plus)?(?: que)?|queda(?: la)?
    |resta(?: a)?
    |sobra(?: a)?|bleibt(?: nur)?|rimane|剩下|остается|tinggal|con lai
    |(?:pero|mais|mas|aber|ma) (?:aqui |ici |hier |qui )?(?:es|c'est|e|ist es|ist)(?: la| el| a| o)?
    |应该是|應該是|而是|我认为是?|我認為是?|我觉得是?
    |the (?:letter|option|choice|one) is|(?:this|that) leaves us with
    |(?:we are|we're|i am|i'm|are|is) left with|left with|leaves us with
    |points? to|consistent with|suggests?|indicates?|clinch(?:es)?|confirms?|establish(?:es)?|most compatible with
    |must be|has to be|got(?:ta| to) be|seems like|leads? (?:us |me )?to|my (?:money|bet|guess) is(?: on)?
    |i(?:'d| would) bet on|i suppose(?: it's| it is)?|all (?:in all|things considered),|on balance,|to sum up,
    |favou?rs?|supports?|its|identif(?:y|ies)|needs?|receives?|requires?|start(?:ing)?(?! with)|begin|initiate
    |(?:classic|typical|characteristic|diagnostic|pathognomonic|suggestive) (?:for|of)
    |seria(?: la)?|creo que es|(?:que )?seja|e sim|(?<=[;.]\s)e|(?<=[;,]\s)es
    |^es|^e|dit is|dat is|het is
""")
CORRECT = vocabulary(r"""
    (?:correct|right|best|most likely|most plausible|most probable|most reasonable
    |most appropriate|most accurate|most suitable|most fitting|most consistent
    |single best|true|winning|final|preferred)(?: (?:answer|option|choice|one|response|diagnosis|treatment|letter
    |step|statement|fit|match|selection|explanation|therapy|management|next step))?|(?:the )?(?:answer|one(?=\W*$
    |[.,;])|way to go
    |winner|one to choose|diagnosis)|it|la correcta|el correcto|correct[ao]|la mejor
    |la respuesta(?: correcta)?|la opcion correcta|adecuad[ao]|correcte?|juste|exacte?|la bonne(?: reponse)?
    |la reponse(?: correcte)?|richtig|die richtige(?: antwort)?|die beste(?: antwort)?|korrekt|zutreffend|corret[ao]
    |a (?:resposta )?corret[ao]|a alternativa correta|a resposta|cert[ao]|a melhor|corrett[ao]
    |la risposta(?: corretta)?|esatt[ao]|giust[ao]|la migliore|juist|het juiste antwoord|benar|yang benar|yang tepat
    |jawaban yang benar|đung|đap an đung|sahihi|ndiyo sahihi|jibu sahihi|правилен|правильный|правильно|верен|верный
    |верно|правильная|верная|правильным ответом|صحيح|صحيحة|الصحيح|الصحيحة|सही|সঠিক|ถูกต้อง|ถูก|正确
    |正確|对|對|正解|正しい|适当
    |適切|最佳|最合适|맞다|맞습니다|정답|옳다|옳습니다|ትክክል|ትክክለኛ
    |beste(?: antwort| wahl| option)?|bonne reponse|richtige(?: antwort)?|mejor|melhor|migliore
    |meilleure?|respuesta(?: correcta)?|resposta(?: corret[ao])?|risposta(?: corretta)?
    |reponse(?: correcte)?|alternativa corret[ao]|opcion correcta|juiste antwoord
    |(?:the )?(?:cause|diagnosis|organism|culprit|pathogen|causative agent|most sense|gold standard)
    |(?:the )?(?:treatment|drug|test|method|procedure|agent|study|therapy|modality|intervention) of choice
    |(?:가장 )?(?:적절|적합)|верен|правил\w+
    |(?:a |la |el |le |l'|il |o |die |der |das )?(?:hipotese|hipotesis|hypothese|ipotesi|diagnostico|diagnostic|diagnosi
    |diagnose|opcion|opcao|opzione|option|tratamiento|tratamento|traitement) (?:diagnostica |diagnostique )?(?:mas|mais
    |la plus|le plus|piu) (?:provavel|probabile|probable|adequad[ao]|adecuad[ao]|apropiad[ao]|adapte|adaptee
    |appropriate|indicad[ao])|(?:mas|mais|piu|le plus|la plus) (?:provavel|probable|probabile)
    |(?:o |el |le |il |la |a )?(?:diagnostico|diagnostic|diagnosi|hipotese|opcion|opcao|opzione|option|alternativa
    |resposta) (?:corret[ao]|correct[ao]?e?|corrett[ao]|cert[ao])|الإجابة الصحيحة|الجواب الصحيح|الخيار الصحيح
    |ndilo jibu(?: sahihi)?
    |trifft zu|stimmt|passt|convient|选|択|を選|選
    |(?:die |der |das )?wahrscheinlichste\w*|am wahrscheinlichsten|наиболее вероят\w+
    |(?:the )?(?:standard of care|first choice|mainstay)
""")
GOOD = vocabulary(r"""
    appropriate|indicated|suitable|recommended|preferred|better|favou?red|comes first|works|definitive|safer
    |preferable|wiser|superior|ideal|fits|fit|consistent|matches|supported
    |yes|✓|✔|✅|accurate|accept(?:ed|able)|reasonable|first(?:-| )line|likely|most probable|explains|affirmed|confirmed
    |chosen|selected|plausible and best|si|sim|ja|oui|da|ndiyo|ya|apropiad[ao]|indicad[ao]|adequad[ao]|appropriee?
    |indiquee?|geeignet|angezeigt|indicat[ao]|verdader[ao]|vrai|verdadeir[ao]|wahr|ver[ao]|да|верно|نعم|हाँ|हां
    |হ্যাঁ|ใช่|是的|是|对|はい|네|예|아네
    |good|great|needed|required|necessary|warranted|mandatory|essential
    |be (?:used|started|given|performed|obtained|administered|done|measured|ordered|tried|added)|safe|safest
    |(?:single )?most (?:important|common|effective|sensitive|specific|frequent|useful|reliable|characteristic)
    |the (?:best|strongest|leading|highest|greatest)|only (?:[a-z]+ )?(?:option|choice|answer|one|drug|agent|treatment)
    |strongest|logical
    |remains|left
""")
BAD = vocabulary(r"""
    not|cannot|never|no(?! doubt)|nor|neither|\w+n't|cant|wont|isnt|doesnt|incorrect|wrong|false|untrue|inappropriate
    |inaccurate|contra-?indicated|ruled out|rule out|rules out|ruling out|excluded?|excludes|excluding|eliminated?
    |eliminates|eliminating|unlikely|less|least|unsafe|harmful|dangerous|avoid(?:ed)?|inferior|distractors?|tempting
    |trap|outdated|obsolete|too|insufficient|inadequate|irrelevant|unnecessary|worse|worst
    |fail(?:s|ed)?|nobody|no one|lacks?(?! of)|lacking
    |without(?! (?:a |any )?(?:doubt|question))|runner-up|second|secondary|rejected?|reject|dismiss(?:ed)?
    |discard(?:ed)?|unsuitable|unrelated|rarely
    |stopped|discontinued|withheld|refuted?|nonsense|mistakes?|mistaken|error|erroneous|premature|ineffective|unhelpful|suboptimal|misleading
    |implausible
    |improbable|inconsistent|atypical|uncommon|unacceptable|unsupported|✗|✘|❌|✖|x|incorrect[ao]s?|fals[ao]s?|descart\w+
    |contraindicad\w+|inadecuad\w+|erron\w+|equivocad\w+|no es|nunca|tampoco|menos|incorrecte?|faux|fausse|ecart\w+
    |exclu\w*|pas|non|ne|contre-?indiquee?|inappropriee?|jamais|moins|nicht|kein\w*|falsch\w*|ausgeschlossen
    |ausscheid\w*|scheidet|ungeeignet|kontraindiziert|unwahrscheinlich|weniger|nein|niemals|nao|incorret[ao]s?
    |errad[ao]s?|inadequad[ao]s?|improvavel|sbagliat[ao]|erra(?:ta|to)|scorrett[ao]|inappropriat[ao]|escluder\w*
    |esclus[ao]|controindicat[ao]|improbabile|meno|niet|onjuist|fout|bukan|tidak|salah|kurang|khong|sai|loai
    |si sahihi|hapana|sio|siyo|akulona|alikho|akusi|ayisi|hayi|cha|beeko|ko|mba|abughi|не|нет|неверн\w*
    |неправильн\w*|исключ\w*|ошибочн\w*|маловероятн\w*|ليس|ليست|لا|غير|خاطئ|خاطئة|خطأ|नहीं|गलत|না|নয়|ভুল|ไม่|ผิด
""")
BAD_UNSPACED = vocabulary(r"""
    不|错|錯|排除|禁忌|非|误|誤|否|아니|아닙|ではあり|않|틀|ではな|でない|間違|አይደለም|ስህተት|નથી|ไม่|ผิด
""")

# Before a noun such as "answer": somebody else's, second best, superseded, wrong.
LESSER = vocabulary(r"""
    second|third|next|runner|runner-up|alternative|alternate|other|another|worst|least|less|wrong|incorrect|false
    |inappropriate|non|not|never|nor|your|his|her|their|user's?|student's?|students'?|patient's?|colleague's?
    |resident's?|candidate's?|doctor's?|author's?|previous|earlier|initial|first|former|prior|original|old|tempting
    |common|popular|plausible|possible|potential|example|sample|distractor|distractors|eliminated|rejected|excluded
    |trap|decoy|misleading|apparent|superficial|obvious|naive|backup|fallback|weaker|weakest|unlikely|poor
    |suboptimal|tentative|preliminary|provisional|segunda|tu|su|otra
    |peor|menos|incorrecta|falsa|equivocada|errada|anterior|deuxieme|seconde|votre|ta|mauvaise|fausse|pire|autre
    |zweitbeste|deine|ihre|falsche|schlechteste|andere|frühere|sua|outra|pior|incorreta|seconda|tua|altra|peggiore
    |sbagliata|errata|неправильный|неверный|ваш|твой|второй|худший|другой|الخاطئة|错误|錯誤|您的|你的|第二|次优
""")


REASON = vocabulary(r"""
    because|since|as|due|which|given|for|based|but|although|though|while|whereas|porque|ya que|pues|por|parce|car
    |puisque|weil|da|denn|pois|perche|poiche|dado|in this|in the|explanation|reason(?:ing)?|rationale|justification
    |explicacion|begrundung|explication|explicacao|spiegazione|karena|vi|kwa sababu|потому|так как|so
""")
AND = vocabulary(r"""
    and/or|and|or|vs\.?|versus|y|o|u|et|ou|und|oder|e|dan|atau|và|va|hoac|na|au|и|или|و|أو|और|या|এবং|বা
    |และ|หรือ|和|或
    |及|与|與|または|と|또는|및
""")
INSTEAD = vocabulary(r"""
    rather than|instead of|more than|over|not|and not|(?:and|but) (?:definitely|certainly|clearly|surely) not|but not
    |as opposed to|en lugar de|en vez de|y no|no|plutot que|et non
    |et pas|statt|und nicht|nicht|em vez de|e nao|nao|invece di|piuttosto che|e non|non|bukan|chu khong
    |а не|не|而不是
    |而非|不是|ではなく
""")
LABEL = vocabulary(r"""
    choice|option|letter|selection|pick|1st|true|correct|conclusion|diagnosis|output|solution|result|prediction|verdict
    |decision|final|choix|eleccion|seleccion|opcion|conclusion|auswahl|wahl|fazit|ergebnis|escolha|opcao|alternativa
    |letra|conclusao|scelta|opzione|keuze|pilihan|lua chon|вывод|вариант|выбор|结论|選択|选择|选项|선택|결론
""")
NOT_A_LABEL = vocabulary(r"""
    wrong|incorrect|false|distractors?|reject\w*|eliminat\w*|exclu\w*|unlikely|less|least|second|runner
    |alternative\w*|contraindicated|avoid|consider\w*|differential|compar\w*|your|student\w*|previous|initial\w*
    |worst|possib\w*|candidates?|options?|choices?|vs|including|between|remaining|list\w*|example|e\.g|user|others?
    |either|both|acceptable|when|whenever|once|resort|salvage|last|step|later|then|afterwards|ruled? out|ruling out
    |incorrect[ao]s?|descart\w*|faux|falsch\w*|errad[ao]s?|opciones|alternativas|opcoes|opzioni
    |reviewers?|colleagues?|residents?|attendings?|consultants?|gpt\S*|model|peers?|raters?|experts?
    |doctor|physician|nurse|(?<!my\s)(?<!mi\s)opinion|group|arm
    |anything|everything|nothing|all|none
""")


def spaced(pattern: str) -> str:
    """A vocabulary with each blank standing for one to three of them on the same line."""
    return "".join(line.strip("\n") for line in re.split(r"\n\s*", pattern)).replace(" ", r"[^\S\n]{1,3}")


@cache
def rx(pattern: str) -> re.Pattern[str]:
    """A pattern over these vocabularies, compiled when first needed: case does not matter, ^ and $ are line ends."""
    return re.compile(spaced(pattern), re.IGNORECASE | re.MULTILINE)
