"""Language tags as MP4 wants them."""

# ISO 639-1 and the ISO 639-2/T code of the same language, for the languages that can be spoken.
_PAIRS = """
    af=afr am=amh an=arg ar=ara as=asm az=aze ba=bak be=bel bg=bul bn=ben bs=bos ca=cat cs=ces
    cv=chv cy=cym da=dan de=deu el=ell en=eng eo=epo es=spa et=est eu=eus fa=fas fi=fin fo=fao
    fr=fra ga=gle gd=gla gn=grn gu=guj he=heb hi=hin hr=hrv ht=hat hu=hun hy=hye ia=ina id=ind
    io=ido is=isl it=ita ja=jpn ka=kat kk=kaz kl=kal kn=kan ko=kor ku=kur ky=kir la=lat lb=ltz
    lt=lit lv=lav mi=mri mk=mkd ml=mal mn=mon mr=mar ms=msa mt=mlt my=mya nb=nob ne=nep nl=nld
    no=nor om=orm or=ori pa=pan pl=pol pt=por qu=que ro=ron ru=rus sd=snd si=sin sk=slk sl=slv
    sq=sqi sr=srp sv=swe sw=swa ta=tam te=tel th=tha ti=tir tk=tuk tn=tsn tr=tur tt=tat ug=uig uk=ukr
    ur=urd uz=uzb vi=vie zh=zho
"""
_THREE_LETTERS = dict(pair.split("=") for pair in _PAIRS.split())
_UNDETERMINED = "und"


def iso_639_2(tag: str) -> str:
    """The three letters that an MP4 track's header holds for a BCP 47 tag: "en-GB" gives "eng"."""
    primary = tag.split("-")[0].lower()
    if len(primary) == 3:
        return primary
    return _THREE_LETTERS.get(primary, _UNDETERMINED)
