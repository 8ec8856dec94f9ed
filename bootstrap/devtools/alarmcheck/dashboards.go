package alarmcheck

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dashboard is what is read of a dashboard of Grafana.
type dashboard struct {
	File       string `json:"-"`
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name string `json:"name"`
			Type string `json:"type"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Links       []struct {
		URL string `json:"url"`
	} `json:"links"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		Datasource struct {
			UID string `json:"uid"`
		} `json:"datasource"`
		Expr string `json:"expr"`
	} `json:"targets"`
}

func readDashboards(root string) (all []dashboard, err error) {
	files, err := filepath.Glob(filepath.Join(root, dashboards, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no dashboards in %s: %w", dashboards, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d := dashboard{File: filepath.Base(file)}
		if err := json.Unmarshal(content, &d); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// checkPanels: each panel says what it shows, in which unit, of the data source that the reader chooses; its runbook exists.
func (d dashboard) checkPanels(runbookText string) (wrong []string) {
	if len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
		wrong = append(wrong, d.File+": there is no variable for the data source")
	}
	if d.UID != "balsong-"+strings.TrimSuffix(d.File, ".json") {
		wrong = append(wrong, fmt.Sprintf("%s: its uid is %q", d.File, d.UID))
	}
	for _, p := range d.Panels {
		say := func(what string) { wrong = append(wrong, fmt.Sprintf("%s: panel %q %s", d.File, p.Title, what)) }
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			say("has no title, description, unit or query")
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				say("has a data source of its own")
			}
		}
		for _, link := range p.Links {
			anchor, is := strings.CutPrefix(link.URL, page)
			if title := "\n## " + strings.ReplaceAll(anchor, "-", " ") + "\n"; !is || !strings.Contains(strings.ToLower(runbookText), title) {
				say("links to " + link.URL + ", which is no runbook")
			}
		}
	}
	return wrong
}

// asPrometheusGetsIt is a target's expression with what Grafana puts in.
func asPrometheusGetsIt(expr string) string {
	return strings.ReplaceAll(expr, "$__rate_interval", "5m")
}
