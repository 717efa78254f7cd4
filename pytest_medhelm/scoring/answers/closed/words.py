"""The words by which models announce, affirm, reject and weigh an option, by language.

Everything here is a piece of a regular expression over unaccented text (``folding.unaccent``), matched without
regard to case. A space stands for one to three blanks where the patterns are built.
"""

from __future__ import annotations

import re
from functools import cache

from pytest_medhelm.scoring.answers.folding import unaccent


def _words(table: str) -> str:
    """A table of alternatives, wrapped for reading, as one piece of a pattern."""
    return unaccent("".join(line.strip() for line in table.strip().splitlines()))


OPTION = _words(r"""
    options?|choices?|letter|item|opcion|alternativa|letra|inciso|lettre|lettera|buchstabe|opcao|opzione|optie|opsi
    |pilihan|phuong an|lua chon|chaguo|ukhetho|вариант|选项|選項|選択肢|选择|ข้อ|ตัวเลือก|विकल्प|বিকল্প
    |الخيار|선택지|보기
""")

ANSWER = _words(r"""
    answers?|ans|response|respuesta|contestacion|reponse|antwort|losung|resposta|gabarito|risposta|antwoord|svar
    |svaret|odpowiedz|cevap|dogru cevap|jawaban(?:nya)?|kunci jawaban|dap an|đap an|cau tra loi|tra loi|jibu
    |impendulo|idahun|aziza|osisa|amsa|karabo|nhlamulo|mhinduro|jaabi|raspuns(?:ul)?|valasz|odpoved|odgovor
    |ответ|الإجابة
    |الاجابة|إجابة|الجواب|جواب|उत्तर|जवाब|উত্তর|คำตอบ|መልስ|መልሱ|መልሱም|απαντηση|תשובה|پاسخ|答案|正确选项|正確選項
    |正确的?选项|正确的|答え|正解
    |解答|回答|答|정답|답변|답안|답
    |الخيار الصحيح|الاختيار الصحيح
    |anwser|asnwer|answr|anser|awnser|anwer|answear|repuesta|respueta|respsota|resposa|antwoort
""")
# Scripts and languages in which a phrase may run on before the letter, or that need no copula.
ANSWER_LOOSE = _words(r"""
    ответ|الإجابة|الاجابة|إجابة|الجواب|جواب|उत्तर|जवाब|উত্তর|คำตอบ|መልስ|መልሱ|መልሱም|απαντηση|תשובה|پاسخ
    |答案|正确选项|正確選項
    |正确的?选项|正确的|答え|正解|解答|回答|정답|답변|답안|답|impendulo|idahun|aziza|osisa|jibu|jawaban(?:nya)?
    |đap an
    |dap an|cau tra loi
    |karabo|nhlamulo|mhinduro|jaabi|amsa|gabarito
    |الخيار الصحيح|الاختيار الصحيح
""")
COPULA = _words(r"""
    is|are|was|would be|will be|should be|must be|remains|equals|has to be|be|es|seria|sera|est|serait|ist|lautet
    |ware|e|foi|sarebbe|adalah|ialah|yaitu|la|ni|ndi|ngu|yi|bu|ke|ya|er|ar|jest|to|este|i|это|هي|هو|है|হল|হলো|হচ্ছে
    |คือ|是|为|為|は|은|는|이|가
    |esta|estao|ithi|je|ndilo
""")
ARTICLE = _words(r"""
    the|a|an|la|el|l|le|il|lo|die|der|das|den|de|o|os|as|het|both|simply|just|either|with|on|for|with option|number
    |n|no\. ?
""")
ADVERB = _words(r"""
    therefore|thus|then|clearly|indeed|actually|most likely|likely|probably|simply|certainly|definitely|still|now
    |also|really|undoubtedly|entonces|por tanto|por lo tanto|donc|claramente|sin duda|sans doute|eindeutig|sicher
    |wohl|dunque|quindi|portanto|entao
""")
SUPERLATIVE = _words(r"""
    (?:most|more) (?:likely|appropriate|probable|suitable|accurate|consistent|important|common|fitting|effective
    |plausible)|correct|right|best|next|first-line|preferred|initial|ideal|optimal|recommended|(?:drug|treatment
    |test|method|diagnosis|agent|therapy|modality) of choice|gold standard|diagnosis|mas probable|mas adecuad[ao]
    |mejor|correct[ao]|richtig|korrekt|zutreffend|richtige|juist|benar|đung|sahihi|правильно|верно|plus probable
    |meilleur|wahrscheinlichste|beste|mais provavel|melhor|piu probabile|migliore|最可能|最佳|最合适
    |corret[ao]|corrett[ao]|cert[ao]|giust[ao]|exact[ao]|correcte?
    |(?:good|better|great|reasonable) (?:answer|choice|option)|the (?:cause|mechanism|treatment
    |next step|organism|pathogen|finding|drug|agent|management|therapy|test|study|explanation|etiology
    |culprit|causative agent)
    |(?:the|my|our) (?:[a-z]+ )?(?:choice|option|letter|pick|key)|(?:am )?ehesten
    |(?:the )?only (?:[a-z]+ )?(?:option|choice|answer|one)(?: left| remaining)?
    |最も(?:適切|可能性が高い|考えられる|適している|疑われる)|正しい|最適|最有可能|最可能|最恰当|最合理
    |가장 적절한|가장 가능성이? 높은|옳은|наиболее вероят\w+
    |wahrscheinlichste[nr]?|probablemente|waarschijnlijk(?:ste)?|najbardziej prawdopodobn\w+|paling (?:tepat|mungkin)
    |phu hop nhat|ที่ถูกต้อง|ที่เหมาะสมที่สุด|الأرجح|الأصح|الأنسب|सबसे उपयुक्त|सबसे संभावित
""")
PREFIXES = _words(r"""
    option|answer|choice|ngu|ngo|yi|u|ke|ni|bu|la|opcion|alternativa|вариант
""")

FILLER = _words(r"""
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
CHOOSE = _words(r"""
    i(?:'d| would| will|'ll)?(?: have to| still| also| rather| probably)? (?:choose|select|pick|go with|go for
    |opt for|vote for|settle on|stick with|say|answer)|i(?: have|'ve)? (?:chose|chosen|selected|picked|settled on)
    |i'm (?:choosing|selecting|picking|going with)|i am (?:choosing|selecting|picking|going with)|let's go with
    |let us go with|we (?:choose|select|pick|should choose|would choose|go with|should select)|you should (?:choose
    |select|pick)|(?:choose|select|pick|choosing|selecting|mark|go with)|my (?:choice|pick|selection|answer
    |vote)(?: is| would be|:)|(?:i|we) (?:think|believe|conclude|am confident|am sure|feel)(?: that)?(?: it is| it's
    | it must be)|elijo|escojo|elegiria|marco|selecciono|eligo|je choisis|je choisirais|je dirais|je selectionne
    |ich wahle|ich wurde|escolho|eu escolho|marco a|assinalo|scelgo|ik kies|saya memilih|saya pilih|pilih|toi chon
    |chon|ninachagua|nachagua|ngikhetha|ndikhetha|chọn|выбираю|я выбираю|выберу|أختار|اختار
    |मैं चुनता हूं|我选择|我选|应选
    |應選|故选|故選|因此选|所以选|选择|選擇|选|選|เลือก|ตอบ|खयन
    |(?:i|we) (?:think|believe)(?: that)?
    |i (?:favou?r|prefer|recommend|support|vote)
    |my (?:final|first|best) (?:choice|pick|selection|answer|vote|guess) (?:is|would be)|marque|assinale
    |escolha|elija|elige|wahle|choisissez|scegli|pilihlah
    |(?:going with|going for|locking in|opting for|settl(?:e|ed|ing) on|landed on|decided (?:on|for)|ended up with
    |went with)
    |(?:i|i'm|i am|we|we're) lean(?:ing)?(?: more| slightly| strongly)?(?: towards?| to)?
    |i(?:'d| would| will|'ll) (?:give|start|order
    |prescribe|recommend|use|administer|perform)
    |i(?:'d| would)? guess|ich (?:entscheide mich fur|nehme|tippe auf)
    |je prends|j'opte pour|me quedo con|opto p(?:or|ela)
    |fico com|opto per|ik ga voor|我選|我选
    |give|administer|prescribe|i (?:now|still) (?:think|believe|say|choose)
""")
# "It is B", "that makes it B", "so B".
IDENTIFY = _words(r"""
    it is|it's|it must be|it would be|it has to be|it should be|that is|that's|that would be|that leaves|this is
    |this leaves|leaving(?: us with)?|leaves(?: us with)?|points to|pointing to|this makes it|that makes it|which is
    |making it|corresponds to|which corresponds to|matches|(?:so|thus|hence|therefore|consequently|accordingly|ergo
    |overall|in conclusion|in summary|to conclude|finally|ultimately|in short|conclusion)[,:]?(?: it's| it is
    | the answer is| i choose| i would choose)?|es la|es el|c'est la|c'est|es ist|e la|e a|entonces|por lo tanto
    |por tanto|donc|also|portanto|logo|quindi|dunque|dus|jadi|vay|vi vay|do đo|kwa hivyo|ngakho|ke ngoko
    |следовательно|значит|итак|поэтому|إذن|لذلك|因此|所以|故|综上|よって|したがって|따라서|그러므로|ดังนั้น|इसलिए
    |তাই
    |ስለዚህ
    |by (?:process of )?(?:elimination|exclusion|default),?|il (?:ne )?reste(?: plus)?(?: que)?|queda(?: la)?
    |resta(?: a)?
    |sobra(?: a)?|bleibt(?: nur)?|rimane|剩下|остается|tinggal|con lai
    |(?:pero|mais|mas|aber|ma) (?:aqui |ici |hier |qui )?(?:es|c'est|e|ist es|ist)(?: la| el| a| o)?
    |应该是|應該是|而是|我认为是?|我認為是?|我觉得是?
    |the (?:letter|option|choice|one) is|(?:this|that) leaves us with
    |(?:we are|we're|i am|i'm|are|is) left with|left with|leaves us with
    |points? to|consistent with|suggests?|indicates?|most compatible with|favou?rs?|supports?|its
    |seria(?: la)?|creo que es|(?:que )?seja|e sim|(?<=[;.]\s)e|(?<=[;,]\s)es
""")
CORRECT = _words(r"""
    (?:correct|right|best|most likely|most appropriate|most accurate|most suitable|most fitting|most consistent
    |single best|true|winning|final|preferred)(?: (?:answer|option|choice|one|response|diagnosis|treatment|letter
    |step|statement|fit|match|selection|explanation|therapy|management|next step))?|the (?:answer|one|way to go
    |winner|one to choose|diagnosis)|answer|it|la correcta|el correcto|correct[ao]|la mejor
    |la respuesta(?: correcta)?|la opcion correcta|adecuad[ao]|correcte?|exacte?|la bonne(?: reponse)?
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
    |(?:the )?(?:cause|diagnosis|organism|culprit|pathogen|causative agent|most sense)
    |(?:a |la |el |le |l'|il |o |die |der |das )?(?:hipotese|hipotesis|hypothese|ipotesi|diagnostico|diagnostic|diagnosi
    |diagnose|opcion|opcao|opzione|option|tratamiento|tratamento|traitement) (?:diagnostica |diagnostique )?(?:mas|mais
    |la plus|le plus|piu) (?:provavel|probabile|probable|adequad[ao]|adecuad[ao]|apropiad[ao]|adapte|adaptee
    |appropriate|indicad[ao])|(?:mas|mais|piu|le plus|la plus) (?:provavel|probable|probabile)
    |(?:o |el |le |il |la |a )?(?:diagnostico|diagnostic|diagnosi|hipotese|opcion|opcao|opzione|option|alternativa
    |resposta) (?:corret[ao]|correct[ao]?e?|corrett[ao]|cert[ao])|الإجابة الصحيحة|الجواب الصحيح|الخيار الصحيح
    |ndilo jibu(?: sahihi)?
    |trifft zu|stimmt|passt|convient|选|択|を選|選
    |(?:die |der |das )?wahrscheinlichste\w*|am wahrscheinlichsten|наиболее вероят\w+
""")
GOOD = _words(r"""
    appropriate|indicated|suitable|recommended|preferred|better|superior|ideal|fits|fit|consistent|matches|supported
    |yes|✓|✔|✅|accurate|accept(?:ed|able)|reasonable|first(?:-| )line|likely|most probable|explains|affirmed|confirmed
    |chosen|selected|plausible and best|si|sim|ja|oui|da|ndiyo|ya|apropiad[ao]|indicad[ao]|adequad[ao]|appropriee?
    |indiquee?|geeignet|angezeigt|indicat[ao]|verdader[ao]|vrai|verdadeir[ao]|wahr|ver[ao]|да|верно|نعم|हाँ|हां
    |হ্যাঁ|ใช่|是的|是|对|はい|네|예|아네
    |good|great|needed|required|necessary|warranted
""")
BAD = _words(r"""
    not|cannot|never|no|nor|neither|\w+n't|cant|wont|isnt|doesnt|incorrect|wrong|false|untrue|inappropriate
    |inaccurate|contra-?indicated|ruled out|rule out|rules out|ruling out|excluded?|excludes|excluding|eliminated?
    |eliminates|eliminating|unlikely|less|least|unsafe|harmful|dangerous|avoid(?:ed)?|inferior|distractors?|tempting
    |trap|outdated|obsolete|too|insufficient|inadequate|irrelevant|unnecessary|worse|worst|fails?|lacks?|lacking
    |without|runner-up|second|secondary|rejected?|reject|dismiss(?:ed)?|discard(?:ed)?|unsuitable|unrelated|rarely
    |refuted?|nonsense|mistaken|error|erroneous|premature|ineffective|unhelpful|suboptimal|misleading|implausible
    |improbable|inconsistent|atypical|uncommon|unacceptable|unsupported|✗|✘|❌|✖|x|incorrect[ao]s?|fals[ao]s?|descart\w+
    |contraindicad\w+|inadecuad\w+|erron\w+|equivocad\w+|no es|nunca|tampoco|menos|incorrecte?|faux|fausse|ecart\w+
    |exclu\w*|pas|non|ne|contre-?indiquee?|inappropriee?|jamais|moins|nicht|kein\w*|falsch\w*|ausgeschlossen
    |ausscheid\w*|scheidet|ungeeignet|kontraindiziert|unwahrscheinlich|weniger|nein|niemals|nao|incorret[ao]s?
    |errad[ao]s?|inadequad[ao]s?|improvavel|sbagliat[ao]|erra(?:ta|to)|scorrett[ao]|inappropriat[ao]|escluder\w*
    |esclus[ao]|controindicat[ao]|improbabile|meno|niet|onjuist|fout|bukan|tidak|salah|kurang|khong|sai|loai
    |si sahihi|hapana|sio|siyo|akulona|alikho|akusi|ayisi|hayi|cha|beeko|ko|mba|abughi|не|нет|неверн\w*
    |неправильн\w*|исключ\w*|ошибочн\w*|маловероятн\w*|ليس|ليست|لا|غير|خاطئ|خاطئة|خطأ|नहीं|गलत|না|নয়|ভুল|ไม่|ผิด
""")
BAD_UNSPACED = _words(r"""
    不|错|錯|排除|禁忌|非|误|誤|否|아니|않|틀|ではな|でない|間違|አይደለም|ስህተት|નથી|ไม่|ผิด
""")

# Before a noun such as "answer": somebody else's, second best, superseded, wrong.
LESSER = _words(r"""
    second|third|next|runner|runner-up|alternative|alternate|other|another|worst|least|less|wrong|incorrect|false
    |inappropriate|non|not|never|nor|your|his|her|their|user's?|student's?|students'?|patient's?|colleague's?
    |resident's?|candidate's?|doctor's?|author's?|previous|earlier|initial|first|former|prior|original|old|tempting
    |common|popular|plausible|possible|potential|example|sample|distractor|distractors|eliminated|rejected|excluded
    |backup|fallback|weaker|weakest|unlikely|poor|suboptimal|tentative|preliminary|provisional|segunda|tu|su|otra
    |peor|menos|incorrecta|falsa|equivocada|errada|anterior|deuxieme|seconde|votre|ta|mauvaise|fausse|pire|autre
    |zweitbeste|deine|ihre|falsche|schlechteste|andere|frühere|sua|outra|pior|incorreta|seconda|tua|altra|peggiore
    |sbagliata|errata|неправильный|неверный|ваш|твой|второй|худший|другой|الخاطئة|错误|錯誤|您的|你的|第二|次优
""")
ATTRIBUTED = _words(r"""
    (?:some|many|most|several|few|other|others|someone|somebody|people|students?|colleagues?|textbooks?|guidelines?
    |authors?|experts?|clinicians?|physicians?|doctors?|residents?|nurses?|trainees?|candidates?|examinees|sources
    |reviewers?|attendings?|consultants?|surgeons?|[a-z]{3,12}ologists?|team|family|examiners?|papers?|articles?|gpt\S*
    |chatgpt|gemini|claude|llama|uptodate|wikipedia|harrison'?s?|he|she|they|who|one|you|the patient|the user
    |the resident|the student|a colleague|my colleague
    |critics|surgeons|everyone|nobody|no one)(?:'d)?(?: (?!should|must)[a-z']+){0,4}? (?:would say|might say|may say
    |could say|will say|say|says|said|might think|may think|could think|would think|might choose|may choose
    |could choose|would choose|might pick|may pick|would pick|might argue|may argue|argue|argues|argued|claim|claims
    |claimed|believed?s?|might be tempted|may be tempted|are tempted|tempted|might consider|may consider|thought
    |chose|chooses?|picks?|selects?|picked|selected|suggest|suggests|suggested|wrote|answered|prefer|prefers|favou?r
    |favou?rs|misread|confuse|mistake|might assume|may assume|assume|recommends?|recommended|advised?|advocate
    |guess|wants?(?![a-z])|wanted|opts?(?![a-z])|opted|voted
    |guessed)|according to (?:some|many|the student|my colleague|older|one|others|the patient)|it is (?:often
    |sometimes|commonly) (?:thought|said|believed|taught|assumed)|traditionally|historically|formerly|used to be
    |popular belief|(?:algunos|muchos|otros|varios|los estudiantes|un colega)(?: \w+){0,3} (?:dicen|dirian|piensan
    |creen|elegirian|eligen|opinan)|(?:certains|beaucoup|d'autres|les etudiants)(?: \w+){0,3} (?:disent|diraient
    |pensent|croient|choisiraient)|(?:manche|viele|einige|andere)(?: \w+){0,3} (?:sagen|wurden|meinen|denken
    |glauben)|(?:alguns|muitos|outros)(?: \w+){0,3} (?:dizem|diriam|pensam|acham|escolheriam)|(?:alcuni|molti
    |altri)(?: \w+){0,3} (?:dicono|direbbero|pensano|credono|sceglierebbero)|有人认为|有些人|很多人|许多人
    |некоторые|многие
""")
# "I" and "we" say it themselves unless they speak of the past.
OWN_PAST = _words(r"""
    (?:i|we) (?:initially|first|originally|at first|previously|had)?\s?(?:thought|considered|assumed|chose|picked
    |selected|answered|guessed|believed|said|suggested)|i was (?:thinking|considering|leaning|tempted|going)
    |i (?:considered|had considered)|(?:my|our) (?:first|initial|original) (?:thought|instinct|guess|impression
    |answer|choice)|at first glance|at first|initially|originally|pense|pensaba|al principio|d'abord|zuerst|zunachst
    |a principio|inicialmente|inizialmente
""")

WEIGHED = _words(r"""
    could be|could also be|might be|may be|maybe|perhaps|possibly|consider|considering|considered|considers
    |let's look at|let me consider|what about|how about|looking at|tempting|tempted|at first glance|on the one hand
    |either|between|torn|toss-up|not sure|unsure|uncertain|no idea|leaned|guessing|whether|versus
    |compared (?:to|with)|suppose|supposing|assume|assuming that|imagine|say it (?:is|were)|would have been
    |might have been|could have been|hypothetically|close second|second(?:-| )best|runner(?:-| )up|next best (?:answer
    |option|choice)|second choice|least likely|least appropriate|worst|also possible|also plausible|plausible
    |in contention|contender|don't know whether|can't decide|puede ser|podria ser|quiza|quizas|tal vez|posiblemente
    |peut-etre|pourrait etre|vielleicht|konnte|moglicherweise|talvez|pode ser|poderia ser|forse|potrebbe essere
    |(?<!paling\s)mungkin|co the|labda|может быть|возможно|ربما|शायद|হয়তো|อาจ|可能是|也许|或许|かもしれ|아마
""")
HYPOTHETICAL = _words(r"""
    (?:^|\W)(?:(?<!even\s)(?<!as\s)if(?! (?:i|we|you)(?: were|'m| am|'re| are)? (?:had|have|must|forced|pressed
    |asked|need)\b)|had (?:the|he|she|it|they|this)|were (?:the|he|she|it|they|this)|unless|provided that|in case
    |otherwise|in that case|in which case|should the|only when|without (?:the|this|that) \w+,)\b|(?:^|\W)(?:si|se
    |wenn|falls|ware|wurde|als|jika|neu|kama|если|إذا|لو|अगर|यदि|যদি|ถ้า
    |หาก)(?! [,])(?=\s)(?=[^.!?\n]{0,120}\b(?:seria|serait|ware|sarebbe|fuera\w*|fuese\w*|fosse\w*|etai\w*
    |hubiera\w*|sera|sind|waren|ist|maka|thi|ingekuwa|был\w*|бы|था|होता|হতো|จะ|لكان\w*)\b)|如果|假如|若|もし|만약
""")

REASON = _words(r"""
    because|since|as|due|which|given|for|based|but|although|though|while|whereas|porque|ya que|pues|por|parce|car
    |puisque|weil|da|denn|pois|perche|poiche|dado|in this|in the|explanation|reason(?:ing)?|rationale|justification
    |explicacion|begrundung|explication|explicacao|spiegazione|karena|vi|kwa sababu|потому|так как|so
""")
AFTER_LETTER = (
    REASON
    + "|"
    + _words(r"""
    is|isn't|are|was|wasn't|would|will|can|can't|cannot|could|couldn't|should|may|might|must|has|have|had|seems?
    |looks?|appears?|fits?|remains?|and|or|and/or|vs|versus|over|than|rather|instead|not|if|when|in|here|too|also
    |only|alone|best|correct|wrong|right|incorrect|with|without|matches|describes|represents|explains|makes|being|on
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
""")
)
AFTER_ARTICLE_LETTER = _words(r"""
    is|isn't|are|was|wasn't|would|will|can|can't|cannot|could|should|may|might|must|has|seems?|looks|appears|fits
    |remains|and|or|and/or|vs|versus|over|than|rather|instead|not|because|since|as|due|which|but|although|though
    |while|whereas|in|here|too|also|if|when|with|does|doesn't|explains|describes|matches|lacks|fails|therefore|thus
    |unless|even|then|to|wins|es|no|y|e|o|ou|est|et|ist|und|oder|nicht|nao|seria|sera|serait|ware|porque|parce|car
    |weil|pois|perche|pero|mas|mais|aber|queda|scheidet|parece|adalah|karena|tidak|bukan|dan|atau|la|vi|ni|si|kwa
    |ndiyo|est|n'est
    |sino|esta|sondern|instead|tetapi|bukan|fits|best|alone|only|noch
    |stands|emerges|reduces|prevents|works|aligns|accounts|comes|explains|suits|says|states
""")
# What a single letter belongs to that is no option.
CARRIER = _words(r"""
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
AND = _words(r"""
    and/or|and|or|vs\.?|versus|y|o|u|et|ou|und|oder|e|dan|atau|và|va|hoac|na|au|и|или|و|أو|और|या|এবং|বা
    |และ|หรือ|和|或
    |及|与|與|または|と|또는|및
""")
INSTEAD = _words(r"""
    rather than|instead of|over|not|and not|but not|as opposed to|en lugar de|en vez de|y no|no|plutot que|et non
    |et pas|statt|und nicht|nicht|em vez de|e nao|nao|invece di|piuttosto che|e non|non|bukan|chu khong
    |а не|не|而不是
    |而非|不是|ではなく
""")
CORRECTION = _words(r"""
    actually|wait|correction|corrected|i meant|i mean|i misread|i misspoke|revised|revision|revising|scratch that
    |on second thought|on reflection|upon reflection|on closer (?:look|inspection)|upon closer (?:look|inspection
    |review)|let me correct|correcting|i made (?:a|an) (?:mistake|error)|my mistake|my bad|i was wrong
    |that was wrong|that's wrong|that is wrong|that's not right|that is not right|that's incorrect|that is incorrect
    |strike that|i change my (?:answer|mind)|i changed my (?:answer|mind)|i take that back|oops|hmm+|hold on|no,
    |nein,|non,|nao,|no wait|sorry|apologies|i apologi[sz]e|edit|erratum|update(?:d)?|i (?:should|must) correct
    |reconsider(?:ing)?|re-?evaluating|rethinking|after (?:reconsideration|further thought|review)
    |double-?check(?:ing)?|changing my answer|make that|rather,|new answer|corrected answer|correccion|corrijo
    |mejor dicho|me equivoque|perdon|espera|en realidad|rectifico|correction|je corrige|en fait|pardon
    |je me suis trompe|attendez|korrektur|moment|eigentlich|ich korrigiere|entschuldigung|halt|correcao|na verdade
    |corrijo|desculpe|espere|me enganei|correzione|anzi|correggo|scusa|aspetta|in realta|mi sbagliavo|исправление
    |исправляю|на самом деле|поправка|стоп|простите|تصحيح|في الواقع|更正|不对|不對|等等|其实|訂正|いや|수정|정정
    |아니
    |แก้ไข|सुधार
    |koreksi|sebenarnya|đinh chinh|xin loi|thuc ra|samahani|marekebisho
    |(?:up)?on (?:further |closer )?(?:review|consideration|reflection|inspection|thought)
    |(?:change|changing|changed|revise|revising|amend|correct|update|switch|switching) (?:my|the|this|that) (?:final )?
    (?:answer|choice|mind|selection|response)|(?:change|switch|changing|switching)(?: it| this| that)? to
    |quise decir|queria decir|quiero decir|digo|cambio mi respuesta|je voulais dire|je veux dire|je change (?:ma
    |de) reponse|ich meinte|ich wollte sagen|ich andere meine antwort|quis dizer|quero dizer|queria dizer|ou melhor
    |mudo (?:a )?minha resposta|volevo dire|intendevo|cambio risposta|ik bedoel(?:de)?|maksud saya|y toi la
    |nilimaanisha|ngiqonde|я имел в виду|я имела в виду|вернее|точнее|меняю ответ|أقصد|أعني|مكرر|改为|改為|改选|改選
    |应为|應為|我是说|我是說|というより|すみません|아니라|다시 말하면|मेरा मतलब|ভুল হয়েছে
""")
RECONSIDERS = _words(r"""
    wait|hold on|actually|on second thought|let me (?:re-?check|reconsider|re-?think|double-?check
    |correct|re-?evaluate|re-?read)
    |(?:up)?on (?:further |closer )?(?:review|consideration|reflection|inspection|thought)|i (?:made
    |realize|realise|misread)|hmm+
    |espera|en realidad|mejor dicho|attendez|en fait|moment|eigentlich|na verdade|anzi|in realta|等等|其实
""")
"""What opens a second look: the next answer that is named replaces the one before."""
RETRACTION = _words(r"""
    (?:that|this|it|the above|my answer)(?:'s| is| was) (?:wrong|incorrect|false|mistaken|not right
    |not correct|not it)
    |(?:that|this|it) (?:isn't|is not|wasn't|can't be|cannot be|doesn't seem) (?:right|correct|it)|that doesn't fit
    |i was wrong|scratch that|strike that|i take that back|my mistake|i made (?:a mistake|an error)|i misread
    |eso (?:no es correcto|es incorrecto|esta mal)|me equivoque|c'est faux|je me suis trompee?
    |das ist falsch|das stimmt nicht
    |isso esta errado|esta errado|e sbagliato|mi sbagliavo|不对|这不对|это неверно
""")
LABEL = _words(r"""
    choice|option|letter|selection|pick|correct|conclusion|diagnosis|output|solution|result|prediction|verdict
    |decision|final|choix|eleccion|seleccion|opcion|conclusion|auswahl|wahl|fazit|ergebnis|escolha|opcao|alternativa
    |letra|conclusao|scelta|opzione|keuze|pilihan|lua chon|вывод|вариант|выбор|结论|選択|选择|选项|선택|결론
""")
NOT_A_LABEL = _words(r"""
    wrong|incorrect|false|distractors?|reject\w*|eliminat\w*|exclu\w*|unlikely|less|least|second|runner
    |alternative\w*|contraindicated|avoid|consider\w*|differential|compar\w*|your|student\w*|previous|initial\w*
    |worst|possib\w*|candidates?|options?|choices?|vs|including|between|remaining|list\w*|example|e\.g|user|others?
    |either|both|incorrect[ao]s?|descart\w*|faux|falsch\w*|errad[ao]s?|opciones|alternativas|opcoes|opzioni
    |reviewers?|colleagues?|residents?|attendings?|consultants?|gpt\S*|model|peers?|raters?|experts?
    |doctor|physician|nurse|opinion|group|arm
    |anything|everything|nothing|all|none
""")


SPECIES = _words(r"""
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


def spaced(pattern: str) -> str:
    """A vocabulary with each blank standing for one to three of them on the same line."""
    return "".join(line.strip("\n") for line in re.split(r"\n\s*", pattern)).replace(" ", r"[^\S\n]{1,3}")


@cache
def rx(pattern: str) -> re.Pattern[str]:
    """A pattern over these vocabularies, compiled when first needed: case does not matter, ^ and $ are line ends."""
    return re.compile(spaced(pattern), re.IGNORECASE | re.MULTILINE)
