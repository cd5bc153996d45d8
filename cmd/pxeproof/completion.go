package main

import (
	"io"

	"github.com/spf13/cobra"
)

// addCompletion adds cobra's verb for it, which by itself takes an unknown shell
// for a call for help.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd("completion")
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	cmd.Args = wantArgs(cobra.NoArgs)
	cmd.Example = "  source <(pxeproof completion bash)"
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for shell, example := range map[string]string{
		"bash":       "  source <(pxeproof completion bash)",
		"zsh":        "  source <(pxeproof completion zsh)",
		"fish":       "  pxeproof completion fish | source",
		"powershell": "  pxeproof completion powershell | Out-String | Invoke-Expression",
	} {
		if sub, _, err := cmd.Find([]string{shell}); err == nil {
			sub.Example = example
		}
	}
	if bash, _, err := cmd.Find([]string{"bash"}); err == nil {
		script := bash.RunE
		bash.RunE = func(cmd *cobra.Command, args []string) error {
			if _, err := io.WriteString(cmd.OutOrStdout(), withoutBashCompletion); err != nil {
				return err
			}
			return script(cmd, args)
		}
	}
}

// withoutBashCompletion stands in for what cobra's script takes from the package
// bash-completion, which a small machine does not have: there every TAB would say
// "command not found".
const withoutBashCompletion = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
        cur=${words[cword]} prev=${words[cword-1]}
    }
    __ltrim_colon_completions() { :; }
fi
`
