"""How mail programs announce a quote, a forward or a signature, in many languages; data.

Each pattern is matched against one line, or a few joined lines, of bounded length, and is written
so that it never goes back over what it has read twice.
"""

import re


def _one_of(words: str) -> str:
    return "|".join(re.escape(word) for word in words.split("|"))


ORIGINAL = _one_of(
    "Original Message|Original-Nachricht|Ursprüngliche Nachricht|Originalnachricht|"
    "Message d'origine|Message original|Mensaje original|Messaggio originale|Messaggio Originale|"
    "Oorspronkelijk bericht|Mensagem original|Oprindelig meddelelse|Ursprungligt meddelande|"
    "Opprinnelig melding|Alkuperäinen viesti|Původní zpráva|Pôvodná správa|Wiadomość oryginalna|"
    "Oryginalna wiadomość|Исходное сообщение|Оригинальное сообщение|Eredeti üzenet|"
    "Mesaj original|Mesajul original|Özgün İleti|Orijinal Mesaj|Izvorna poruka|Izvirno sporočilo|"
    "元のメッセージ|原始邮件|原始郵件|邮件原件|원본 메시지|원본 메일|Αρχικό μήνυμα"
)
FORWARDED = _one_of(
    "Forwarded message|Forwarded Message|Weitergeleitete Nachricht|Message transféré|"
    "Message transmis|Mensaje reenviado|Messaggio inoltrato|Doorgestuurd bericht|"
    "Mensagem encaminhada|Videresendt meddelelse|Vidarebefordrat meddelande|"
    "Videresendt melding|Välitetty viesti|Přeposlaná zpráva|Wiadomość przekazana|"
    "Пересылаемое сообщение|Továbbított üzenet|İletilen mesaj|转发的邮件|転送メッセージ|"
    "전달된 메시지"
)
ORIGINAL_LINE = re.compile(rf"[-_*\s]{{2,30}}(?:{ORIGINAL})[-_*:\s]{{1,30}}", re.IGNORECASE)
FORWARD_LINE = re.compile(rf"[-_*\s]{{2,30}}(?:{FORWARDED})[-_*:\s]{{0,30}}", re.IGNORECASE)
FORWARD_BEGIN = re.compile(
    r"(?:Begin forwarded message|Anfang der weitergeleiteten (?:Nachricht|E-Mail)|"
    r"Début du message (?:transféré|réexpédié)|Inicio del mensaje reenviado|"
    r"Inizio messaggio inoltrato|Begin doorgestuurd bericht|Início da mensagem encaminhada) ?:",
    re.IGNORECASE,
)

# The header block that Outlook and others set over an unmarked quote.
FROM = _one_of("From|Von|De|Da|Van|Od|Från|Fra|Lähettäjä|От|Feladó|Kimden|Gönderen|Expéditeur")
FROM += "|发件人|寄件者|差出人|送信者|보낸 사람|Από|Mittente|Remitente|Afzender|Odesílatel|Nadawca"
SENT = _one_of("Sent|Date|Gesendet|Datum|Envoyé|Enviado|Enviado el|Fecha|Data|Inviato|Verzonden")
SENT += "|Wysłano|Odesláno|Dátum|Elküldve|Skickat|Sendt|Dato|Lähetetty|Päivämäärä|Отправлено|Дата"
SENT += "|Gönderildi|Tarih|发送时间|寄件日期|日期|送信日時|日付|보낸 날짜|날짜|Ημερομηνία|Trimis"
TO = _one_of("To|An|À|Para|A|Aan|Do|Komu|Pro|Till|Til|Vastaanottaja|Кому|Címzett|Kime|Cc|Kopie")
TO += "|收件人|收件者|宛先|받는 사람|Προς|Către|Destinataire|Copia"
SUBJECT = _one_of("Subject|Betreff|Objet|Asunto|Oggetto|Onderwerp|Temat|Předmět|Predmet|Ämne")
SUBJECT += "|Emne|Aihe|Тема|Tárgy|Konu|主题|主旨|件名|제목|Θέμα|Subiect|Assunto"
FROM_LINE = re.compile(rf"[>\s]{{0,6}}[*_]?(?:{FROM})[*_]? ?[:：][*_]?\s*\S", re.IGNORECASE)
OTHER_LINES = tuple(
    re.compile(rf"[>\s]{{0,6}}[*_]?(?:{words})[*_]? ?[:：]", re.IGNORECASE)
    for words in (SENT, TO, SUBJECT)
)
FROM_ANY = re.compile(
    rf"[>\s]{{0,6}}[*_]?(?:{FROM})[*_]? ?[:：][*_]?\s*(.{{1,300}})", re.IGNORECASE
)

# "On Monday, X wrote:" and its likes: how it begins, and the word for writing.
BEGINS = re.compile(
    r"[>\s]{0,6}(?:-{2,4} ?)?"
    r"(?:On|Am|Le|El|Em|Op|Il|Den|Dne|Dňa|W dniu|Dana|Pe|La|Στις|Ha scritto)\b",
    re.IGNORECASE,
)
WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|geschrieben|a écrit|écrit|escribió|escribio|escreveu|ha scritto|"
    r"scrisse|schreef|geschreven|skrev|skriver|kirjoitti|napsal|napsala|napísal|napisał|napisała|"
    r"pisze|написал|написала|пишет|писал|írta|yazdı|scris|έγραψε|napisao|je napisal|"
    r"sent from)\b|写道|寫道|のメール|書きました|작성",
    re.IGNORECASE,
)
DATED = re.compile(
    r"\d{1,4}[./年-] ?\d{1,2}|\b\d{1,2}:\d{2}\b|\b(?:19|20)\d{2}\b|\d{1,2}月",
)
ENDS = re.compile(r"[:：]\s*$")

# Our own line in each of our languages, under which a reply need not be looked for.
OUR_LINES = re.compile(
    "Write your answer above this line|Bitte antworten Sie oberhalb dieser Zeile|"
    "Répondez au-dessus de cette ligne|Escriba su respuesta por encima de esta línea"
)

RULED = re.compile(r"\s{0,3}[*_]?(?:_{10,200}|-{20,200})[*_]?\s*")
DASHES = re.compile(r"(?:--|—|––) ?")
FOOTER = re.compile(r"_{20,200}\s*")
LINK = re.compile(r" \(https?://\S*\)")
DEVICE = re.compile(
    r"[*_]?(?:Sent from my [\w'’-]{1,30}(?: [\w'’-]{1,30}){0,3}|"
    r"Sent from (?:Mail|Outlook|Yahoo Mail|Samsung|Proton Mail|"
    r"Gmail Mobile|AOL Mobile Mail|the all new AOL app)\b.{0,60}|"
    r"Sent (?:with|via|using) \S{1,30}(?: \S{1,60}){0,3}|Get Outlook for (?:iOS|Android).{0,80}|"
    r"(?:Von meine[mr] .{1,40} gesendet|Gesendet (?:von|mit) .{1,60})|"
    r"Envoyé (?:de|depuis) mon .{1,40}|Enviado (?:desde|do|a partir do) (?:mi|meu) .{1,40}|"
    r"Inviato (?:da|dal mio) .{1,40}|Verzonden (?:vanaf|met) mijn .{1,40}|"
    r"Verstuurd vanaf mijn .{1,40}|Skickat från min .{1,40}|Sendt fra min .{1,40}|"
    r"Lähetetty .{1,40}sta|Odesláno z .{1,40}|Wysłane z .{1,40}|Отправлено (?:с|из) .{1,40}|"
    r"iPhoneから送信|发自我的.{1,20}|從我的.{1,20}傳送|나의 .{1,20}에서 보냄)[.*_]?",
    re.IGNORECASE,
)
