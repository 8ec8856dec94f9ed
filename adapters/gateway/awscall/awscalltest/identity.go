// Package awscalltest has an identity at AWS for tests.
package awscalltest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Identity is one whose credentials sign, and are none of AWS's.
type Identity struct {
	Region         string
	Err            error // of the configuration
	CredentialsErr error
	None           bool // no credentials at all
}

// Config implements awscall.Identity.
func (i Identity) Config(context.Context) (aws.Config, error) {
	made := aws.Config{Region: i.Region}
	if !i.None {
		made.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "example"}, i.CredentialsErr
		})
	}
	return made, i.Err
}
