// Package api is the generated client of DocSpace's people user data API, one method for each operation. Most programs
// want package wrapper, which stands on it. The shortest program without:
//
//	client, err := api.NewClientWithResponses("https://docspace.example.com", api.WithRequestEditorFn(wrapper.APIKey(key)))
//	if err != nil {
//		return err
//	}
//	resp, err := client.GetReassignProgressWithResponse(ctx, user)
//	if err != nil {
//		return err
//	}
//	if resp.JSON200 == nil {
//		return errors.New(resp.Status())
//	}
//
// [Client] returns answers as they come, and [ClientWithResponses] reads them. Neither limits, retries or checks anything:
// a sign-in page and an error inside a 200 are answers like any other, the answer for a user without a job has no
// response, and a [ClientWithResponses] loses the status of an answer that it cannot read. A wrapper.Client hands out a
// [Client] that does all that, with its method API; ClientWithResponses{ClientInterface: client.API()} reads what comes.
//
// What follows is the generator's.
package api
