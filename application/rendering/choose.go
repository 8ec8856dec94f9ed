package rendering

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// choice is what a month is rendered with.
type choice struct {
	templates *Templates
	set       port.TemplateSet  // what the month keeps of them
	kept      bool              // it does
	audited   []port.AuditEntry // in the transaction that keeps them
}

func (r *renderRun) chosen() choice {
	r.choosing.Lock()
	defer r.choosing.Unlock()
	return r.choice
}

// choose finds the templates to render with: those that were asked for, else the set that the month was rendered with last,
// else the default. billing.ErrRefused where the month was rendered with others, or where customers would read the sample's
// sender identity, unless the options allow that; and where they make nothing for AlimTalk and the route has it. A set that the month has needs no second word.
func (r *renderRun) choose(ctx context.Context) error {
	var there []port.TemplateSet
	err := r.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		there, err = r.ports.Sets.Of(ctx, r.month)
		return err
	})
	if err != nil {
		return err
	}
	c := &r.choice
	if c.templates, err = r.wanted(there); err != nil {
		return err
	}
	if err := c.templates.CheckClass(r.options.Class); err != nil {
		return err
	}
	if r.options.Channels.Has(channel.AlimTalk) && !c.templates.HasAlimTalk() {
		return fmt.Errorf("%w: the ACTIVE policy's route has %s, and the templates %s have no approved template for it: write ko/%s and ko/%s (docs/operations/templates.md), "+
			"or activate a policy without the channel", billing.ErrRefused, channel.AlimTalk, c.templates.Set(), alimTalkText, alimTalkFile)
	}
	c.set = c.templates.Set()
	if known := byFingerprint(there, c.set); known.Number != 0 {
		c.set, c.kept = known, true
		return nil
	}
	return r.admit(there)
}

// wanted returns the templates to render with, before anything is known against them.
func (r *renderRun) wanted(there []port.TemplateSet) (*Templates, error) {
	asked, binding := r.options.Templates, port.Binding(there)
	switch {
	case asked == nil && len(binding) > 0:
		last := binding[len(binding)-1]
		own, err := LoadSet(last)
		if err != nil {
			return nil, fmt.Errorf("the templates that %[1]s was rendered with cannot be used any more: `batch templates export DIR --month %[1]s` writes them out, and --templates DIR "+
				"--allow-templates --reason … renders with them once they are corrected: %[2]w", r.month, err)
		}
		r.noteOwn(last)
		asked = own
	case asked == nil:
		asked = r.options.Default
	}
	return asked.WithSender(r.options.Sender), nil
}

// noteOwn says that the month's own templates are used where the default is another one.
func (r *renderRun) noteOwn(own port.TemplateSet) {
	usual := r.options.Default.Set()
	if usual.Fingerprint == own.Fingerprint {
		return
	}
	note := fmt.Sprintf("%s is rendered with the templates that it has, %s", r.month, own)
	if r.options.Default != ShippedTemplates() {
		note += fmt.Sprintf(", and not with %s, which differs in %s", usual, differences(own, usual))
	}
	r.options.Reporter.Note(note)
}

// admit lets a month have one more set, or refuses it.
func (r *renderRun) admit(there []port.TemplateSet) error {
	c := &r.choice
	c.audited = nil
	if sender, language := c.templates.SampleSender(); sender != "" && !r.options.AllowSample {
		return fmt.Errorf("%w: customers would read the sample's sender, %q (%s.sender): `balsong templates export DIR` writes templates, say in sender-identity.json who bills in each language, "+
			"and render with --templates DIR (or BALSONG_TEMPLATES); --allow-sample-sender renders with the sample all the same", billing.ErrRefused, sender, language)
	}
	c.set.Number = int16(len(there) + 1) //nolint:gosec // each set of a month takes a person's word
	binding := port.Binding(there)
	if len(binding) == 0 {
		return nil
	}
	last := binding[len(binding)-1]
	differ := fmt.Sprintf("%s was rendered with other templates, %s of %s; %s differs in %s", r.month, last, last.AddedAt.In(r.options.Zone).Format("2006-01-02 15:04 MST"), c.set, differences(last, c.set))
	if !r.options.AllowOther {
		return fmt.Errorf("%w: %s: without --templates and --sender the month's own are used (`batch templates list --month %s`); --allow-templates --reason … uses these all the same",
			billing.ErrRefused, differ, r.month)
	}
	r.options.Reporter.Note(differ)
	by := r.options.By
	by.At = r.ports.Clock.Now()
	c.audited = []port.AuditEntry{{Action: port.ActionRenderOther.With(fmt.Sprintf("%s after %s", c.set, last)), Subject: r.month.String(), By: by}}
	return nil
}

// keep lets the month have the set that its next bills are rendered with. Where another process gave it one meanwhile, it
// chooses again.
func (r *renderRun) keep(ctx context.Context) (choice, error) {
	r.choosing.Lock()
	defer r.choosing.Unlock()
	c := &r.choice
	for !c.kept {
		c.set.AddedAt = r.ports.Clock.Now()
		err := r.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
			c.kept, err = r.ports.Sets.Add(ctx, r.month, c.set, c.audited...)
			return err
		})
		if err == nil && !c.kept {
			err = r.choose(ctx)
		}
		if err != nil {
			return choice{}, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Templates = c.set.String()
	return *c, nil
}
