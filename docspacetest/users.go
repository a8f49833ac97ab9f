package docspacetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/docspace-go/userdata/api"
)

// Status says whether an account is in use.
type Status string

// Only a Terminated user can be reassigned from or removed, and only an Active one can sign in.
const (
	Active     Status = "Active"
	Terminated Status = "Terminated"
)

// User is an account of the portal with every credential that the portal takes for it.
type User struct {
	ID       uuid.UUID `json:"id"`
	Email    string    `json:"email"`
	Password string    `json:"password"`
	// APIKey starts with sk- and travels as Authorization: Bearer sk-…
	APIKey string `json:"apiKey"`
	// AuthKey is the value of the asc_auth_key cookie.
	AuthKey string `json:"authKey"`
	// AccessToken looks like a JWT. Its signature means nothing: the portal knows its tokens by heart.
	AccessToken string           `json:"accessToken"`
	Type        api.EmployeeType `json:"type"`
	Status      Status           `json:"status"`
	// Rooms is how many rooms the user owns: what a reassignment moves.
	Rooms int `json:"rooms"`
	// LDAP accounts get no instructions for deleting themselves (observed).
	LDAP bool `json:"ldap,omitempty"`
	// Scopes limits the API key and the access token to some of "read" and "write". Nil means no limit.
	Scopes []string `json:"scopes,omitempty"`
	// Job is how jobs on this user's data go.
	Job Job `json:"-"`
}

// Job says how long a user's jobs run and how they end.
type Job struct {
	// Length is how long a job runs once its queue has come to it. Zero means what WithJobLength says.
	Length time.Duration
	// Error has the job fail with this text at its last milestone but one. What it moved until then stays moved.
	Error string
}

// AddUser adds a user, or replaces the one that has the same ID, and returns it with everything filled in that was
// empty. A user of no Type is a User, one of no Status is Active. The owner is always a DocSpaceAdmin.
func (p *Portal) AddUser(u User) User {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance()
	p.added++
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	if u.ID == uuid.Nil {
		u.ID = uuid.New()
	}
	if u.ID == p.owner {
		u.Type = api.EmployeeTypeDocSpaceAdmin
	}
	fill((*string)(&u.Type), string(api.EmployeeTypeUser))
	fill((*string)(&u.Status), string(Active))
	fill(&u.Email, fmt.Sprintf("user%d@example.com", p.added-1))
	fill(&u.Password, "pw-"+uuid.NewString())
	fill(&u.APIKey, "sk-"+strings.ReplaceAll(uuid.NewString(), "-", ""))
	fill(&u.AuthKey, "ak-"+uuid.NewString())
	fill(&u.AccessToken, p.newAccessToken(u))
	if old := p.byID[u.ID]; old != nil {
		*old = u
	} else {
		p.byID[u.ID] = &u
		p.users = append(p.users, &u)
	}
	return u
}

func (p *Portal) newAccessToken(u User) string {
	claims, err := json.Marshal(map[string]string{"iss": p.URL + "/oauth2", "sub": u.ID.String(), "jti": uuid.NewString()})
	if err != nil {
		panic(err) // strings always marshal
	}
	encode := base64.RawURLEncoding.EncodeToString
	signature := uuid.New()
	return encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims) + "." + encode(signature[:])
}

// Owner returns the portal's owner, as the account is now.
func (p *Portal) Owner() User {
	owner, _ := p.User(p.owner)
	return owner
}

// User returns the user as the account is now, and false where there is none, or none any more.
func (p *Portal) User(id uuid.UUID) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance()
	if u := p.byID[id]; u != nil {
		return *u, true
	}
	return User{}, false
}

// Users returns all users as their accounts are now: the owner first, then the others as they were added.
func (p *Portal) Users() []User {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance()
	users := make([]User, len(p.users))
	for i, u := range p.users {
		users[i] = *u
	}
	return users
}

// Mails returns the address of every mail that sendInstructionsToDelete has sent, in order.
func (p *Portal) Mails() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mails)
}

func (p *Portal) deleteUser(u *User) {
	delete(p.byID, u.ID)
	p.users = slices.DeleteFunc(p.users, func(other *User) bool { return other == u })
}
