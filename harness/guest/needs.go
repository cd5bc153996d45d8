package guest

// Needs lists the assets that Build takes parts of.
func (p Payload) Needs() []string {
	if p == FirstProcess {
		return []string{"busybox"}
	}
	return []string{"busybox", "kernel"}
}
