"""Words by which a statement is weighed, somebody else's, hypothetical or taken back: see ``words``."""

from __future__ import annotations

from pytest_medhelm.scoring.answers.closed.words import vocabulary

ATTRIBUTED = vocabulary(r"""
    (?:some|many|most|several|few|other|others|someone|somebody|people|students?|colleagues?|textbooks?|guidelines?
    |authors?|experts?|clinicians?|physicians?|doctors?|residents?|nurses?|trainees?|candidates?|examinees|sources
    |reviewers?|attendings?|consultants?|surgeons?|[a-z]{3,12}ologists?|team|family|examiners?|papers?|articles?|gpt\S*
    |chatgpt|gemini|claude|llama|uptodate|wikipedia|harrison'?s?|he|she|they|who|one|you|the patient|the user
    |the resident|the student|a colleague|my colleague
    |critics|surgeons|everyone|everybody|anyone|anybody|nobody|no one)(?:'d)?(?: (?!should
    |must)[a-z0-9']+){0,4}? (?:(?:would|might|may|could) (?:answer|select|guess|go for|opt for|reply|prefer)
    |would say|might say|may say
    |could say|will say|say|says|said|might think|may think|could think|would think|might choose|may choose
    |could choose|would choose|might pick|may pick|would pick|might argue|may argue|argue|argues|argued|claim|claims
    |claimed|believed?s?|might be tempted|may be tempted|are tempted|tempted|might consider|may consider|thought
    |chose|chooses?|picks?|selects?|picked|selected|suggest|suggests|suggested|wrote|answered|prefer|prefers|favou?r
    |favou?rs|misread|confuse|mistake|might assume|may assume|assume|recommends?|recommended|advised?|advocate
    |guess|wants?(?![a-z])|thinks?(?![a-z])|believes?(?![a-z])|assumes(?![a-z])|suspects?(?![a-z])|insists|wanted
    |opts?(?![a-z])|opted|voted
    |guessed)
    |(?:some|many|several|(?:a )?few|others|colleagues?|people)(?: (?!should|must)[a-z]+){0,3} (?:(?:would|might|may
    |could) )?(?:give|start|use|prescribe|treat|order|try|offer|begin|reach for)(?![a-z])
    |(?:some|many|most|few|several|others?)(?: [a-z]{3,}s)? answer(?:ed)?(?! is)(?= )
    |according to (?:some|many|older|one|others
    |(?:the |an? |my |your )?(?:old|older|previous|outdated|former|obsolete|[a-z]{0,9}
    ?(?:student|colleague|patient|friend|attending|resident|nurse|doctor|consultant|key)))|it is (?:often
    |sometimes|commonly) (?:thought|said|believed|taught|assumed)|traditionally|historically|formerly|used to be
    |popular belief|(?:algunos|muchos|otros|varios|los estudiantes|un colega)(?: \w+){0,3} (?:dicen|dirian|piensan
    |creen|elegirian|eligen|opinan)|(?:certains|beaucoup|d'autres|les etudiants)(?: \w+){0,3} (?:disent|diraient
    |pensent|croient|choisiraient)|(?:manche|viele|einige|andere)(?: \w+){0,3} (?:sagen|wurden|meinen|denken
    |glauben)|(?:alguns|muitos|outros)(?: \w+){0,3} (?:dizem|diriam|pensam|acham|escolheriam)|(?:alcuni|molti
    |altri)(?: \w+){0,3} (?:dicono|direbbero|pensano|credono|sceglierebbero)|有人认为|有些人|很多人|许多人
    |некоторые|многие
""")
# "I" and "we" say it themselves unless they speak of the past.
OWN_PAST = vocabulary(r"""
    (?:i|we) used to|(?:i|we)(?: would|'d) have
    |(?:i|we) (?:initially|first|originally|at first|previously|had)?\s?(?:thought|considered|assumed
    |chose|picked
    |selected|answered|guessed|believed|said|suggested)|i was (?:thinking|considering|leaning|tempted|going)
    |i (?:considered|had considered)|(?:my|our) (?:first|initial|original) (?:thought|instinct|guess|impression
    |answer|choice)|at first glance|at first|initially|originally|(?<!je\s)pense(?! que)|pensaba|al principio
    |d'abord|zuerst|zunachst
    |a principio|inicialmente|inizialmente
""")
WEIGHED = vocabulary(r"""
    could be|could also be|might be|may be|maybe|perhaps|possibly|consider|considering|(?<!things\s)considered|considers
    |(?:let's|let me|let us) (?:also |first |now |just )?(?!go |choose|pick|select|say|settle|stick|change|correct
    |revise|answer)\w+
    |what about|how about|looking at|tempting|tempted|at first glance|on the one hand
    |either(?! way)|between|torn|toss-up|not sure|unsure|uncertain|no idea|leaned|guessing|whether|versus
    |compared (?:to|with)|suppose|supposing|assume|assuming that|imagine|say it (?:is|were)|would have been
    |might have been|could have been|hypothetically|close second|second(?:-| )best|runner(?:-| )up|next best (?:answer
    |option|choice)|second choice|least likely|least appropriate|worst|also possible|also plausible|plausible
    |in contention|contender|don't know whether|can't decide|puede ser|podria ser|quiza|quizas|tal vez|posiblemente
    |peut-etre|pourrait etre|vielleicht|konnte|moglicherweise|talvez|pode ser|poderia ser|forse|potrebbe essere
    |(?<!paling\s)mungkin|co the|labda|может быть|возможно|ربما|शायद|হয়তো|อาจ|可能是|也许|或许|かもしれ|아마
""")
HYPOTHETICAL = vocabulary(r"""
    (?:^|\W)(?:(?<!even\s)(?<!as\s)if(?! (?:forced|pressed|pushed|only one|one (?:must|has|had)|a choice))(?! (?:i|we
    |you)(?: were|'m| am|'re| are)? (?:had|have|must|forced|pressed
    |asked|need)\b)|had (?:the|he|she|it|they|this)|were (?:the|he|she|it|they|this)|unless|provided that|in case
    |otherwise|in that case|in which case|should the|only when|without (?:the|this|that) \w+,)\b|(?:^|\W)(?:si|se
    |wenn|falls|ware|wurde|als|jika|neu|kama|если|إذا|لو|अगर|यदि|যদি|ถ้า
    |หาก)(?! [,])(?=\s)(?=[^.!?\n]{0,120}\b(?:seria|serait|ware|sarebbe|fuera\w*|fuese\w*|fosse\w*|etai\w*
    |hubiera\w*|sera|sind|waren|ist|maka|thi|ingekuwa|был\w*|бы|था|होता|হতো|จะ|لكان\w*)\b)|如果|假如|若|もし|만약
""")
CORRECTION = vocabulary(r"""
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
    |исправляю|на самом деле|поправка|стоп|простите|تصحيح|في الواقع|更正|不对|不對|不,|等等|其实|訂正|いや|수정|정정
    |아니
    |แก้ไข|सुधार
    |koreksi|sebenarnya|đinh chinh|xin loi|thuc ra|samahani|marekebisho
    |(?:up)?on (?:further |closer )?(?:review|consideration|reflection|inspection|thought)
    |(?:change|changing|changed|revise|revising|amend|correct|update|switch|switching) (?:my|the|this|that) (?:final )?
    (?:answer|choice|mind|selection|response)|(?:change|switch|changing|switching)(?: it| this| that)? to
    |in fact|quise decir|queria decir|quiero decir|digo|cambio mi respuesta|je voulais dire|je veux dire|je change (?:ma
    |de) reponse|ich meinte|ich wollte sagen|ich andere meine antwort|quis dizer|quero dizer|queria dizer|ou melhor
    |mudo (?:a )?minha resposta|volevo dire|intendevo|cambio risposta|ik bedoel(?:de)?|maksud saya|y toi la
    |nilimaanisha|ngiqonde|я имел в виду|я имела в виду|вернее|точнее|меняю ответ|أقصد|أعني|مكرر|改为|改為|改选|改選
    |应为|應為|我是说|我是說|というより|すみません|아니라|다시 말하면|मेरा मतलब|ভুল হয়েছে
    |нет,|아니요|いいえ|nein\b|stop(?=[.,!:;-])|or rather|or (?:more precisely|better)|no:|edited
    |je me corrige|corrijo-me|me corrijo|mi correggo|ich korrigiere mich|исправляюсь|정정합니다|alias,|erreur de ma part
    |mein fehler|erro meu|errore mio|error mio|моя ошибка
    |no!|changed to|(?<=[.!?\n]\s)rather|(?:i )?(?:stand|need to be) corrected|correct myself
    |(?:reading|thinking|going)(?: it| this| (?:about|through|over) (?:it|this))? (?:again|more|further)|re-?reading
""")
RECONSIDERS = vocabulary(r"""
    wait|hold on|actually|on second thought|edit|erratum|update|correction|corrected|revised|scratch that|apologies|oops
    |let me (?:re-?check|reconsider|re-?think|double(?:-| )?check
    |correct|re-?evaluate|re-?read)
    |(?:up)?on (?:further |closer )?(?:review|consideration|reflection|inspection|thought)|i (?:made
    |realize|realise|misread)|hmm+|i need to correct|i stand corrected|re-?reading
    |(?:reading|thinking|going)(?: it| this| (?:about|through|over) (?:it|this))? (?:again|more|further)
    |espera|en realidad|mejor dicho|attendez|en fait|moment|eigentlich|na verdade|anzi|in realta|等等|其实
""")
"""What opens a second look: the next answer that is named replaces the one before."""
RETRACTION = vocabulary(r"""
    or (?:is|was) it|(?:that|this|it|the above|my answer)(?:'s| is| was) (?:wrong|incorrect|false|mistaken|not right
    |not correct|not it)
    |(?:that|this|it) (?:isn't|is not|wasn't|can't be|cannot be|doesn't seem) (?:right|correct|it)|that doesn't fit
    |i was wrong|scratch that|strike that|i take that back|my mistake|i made (?:a mistake|an error)|i misread
    |eso (?:no es correcto|es incorrecto|esta mal)|me equivoque|c'est faux|je me suis trompee?
    |das ist falsch|das stimmt nicht
    |isso esta errado|esta errado|e sbagliato|mi sbagliavo|不对|这不对|это неверно
""")
