package rendering

// Sender returns who bills, in a language.
func (t *Templates) Sender(language string) string {
	return t.senderIdentity.Of(languageOf(language)).Sender
}
