package guest

// Needs lists the assets that Build takes parts of, for the asset that is the
// kernel.
func (p Payload) Needs(kernel string) []string {
	switch p {
	case FirstProcess:
		return nil
	case Reboot:
		return []string{"busybox"}
	}
	return []string{"busybox", kernel}
}
