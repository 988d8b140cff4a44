import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { country, moment, short, timePrice, trafficPrice, type Units } from '../../shared/pages/amounts.js'
import { Card, Deed, Field, Refused, Shown, Tiles } from '../../shared/pages/parts.js'
import { type Answer, act, type Failure, read } from '../../shared/pages/server.js'
import { isServed } from './now.js'
import { Scan } from './scan.js'
import { texts } from './texts.js'

/** As `pontage invitation show --json` and `list --json` print it. */
interface Invitation {
  readonly provider: string
  readonly consumer: string
  readonly country: string
  readonly endpoint: string
  readonly pricePerMegabyte: string
  readonly pricePerHour: string
  readonly hubs: readonly string[]
  readonly expiresAt: number
}
interface Offered {
  readonly invitation: Invitation & { readonly refused: string | null }
  readonly units?: Units
}
interface Kept {
  readonly invitations: readonly Invitation[]
  readonly units?: Units
}

const kept = signal<Answer<Kept> | undefined>(undefined)

async function look(): Promise<void> {
  kept.value = await read<Kept>('invitations')
}

const priceText = ({ pricePerMegabyte, pricePerHour }: Invitation, units: Units): string =>
  [trafficPrice(pricePerMegabyte, units?.pricePerMegabyte), timePrice(pricePerHour, units?.pricePerHour)]
    .filter((each) => each !== '')
    .join(' + ')

/** A link that is pasted shows what it offers before it is kept. */
export function Invitations({ changed }: { changed: () => void }) {
  const [link, setLink] = useState('')
  const [offered, setOffered] = useState<Offered>()
  const [refused, setRefused] = useState<Failure>()
  useEffect(() => void look(), [])
  const take = (text: string) => {
    setLink(text)
    setOffered(undefined)
    setRefused(undefined)
  }
  const scanned = async (text: string) => {
    take(text)
    const answer = await act<Offered>('showInvitation', { link: text })
    if (answer.error === undefined) setOffered(answer)
    else setRefused(answer.error)
  }
  return (
    <Card title={texts.invitations.title}>
      <div class="stack">
        <p class="soft">{texts.invitations.hint}</p>
        <div class="row form">
          <Field
            label={texts.invitations.link}
            placeholder="pontage:…"
            spellcheck={false}
            value={link}
            onInput={(event) => take(event.currentTarget.value.trim())}
          />
          <Deed
            name="showInvitation"
            fields={{ link }}
            label={texts.invitations.show}
            done={(answer) => setOffered(answer.error === undefined ? (answer as Offered) : undefined)}
          />
        </div>
        <Scan isWanted={(text) => text.startsWith('pontage:')} found={(text) => void scanned(text)} />
        {refused === undefined ? null : <Refused failure={refused} />}
        {offered === undefined ? null : (
          <Offer of={offered}>
            <Deed
              name="keepInvitation"
              fields={{ link }}
              label={texts.invitations.keep}
              kind="main"
              done={(answer) => {
                if (answer.error !== undefined) return
                take('')
                void look()
                changed()
              }}
            />
            <button type="button" onClick={() => take('')}>
              {texts.invitations.discard}
            </button>
          </Offer>
        )}
        <Shown of={kept.value} again={() => void look()}>
          {({ invitations, units }) =>
            invitations.length === 0 ? (
              <p class="soft small">{texts.invitations.none}</p>
            ) : (
              <KeptTable of={invitations} units={units} changed={changed} />
            )
          }
        </Shown>
      </div>
    </Card>
  )
}

function Offer({ of: { invitation, units }, children }: { of: Offered; children: ComponentChildren }) {
  const { invitations: words } = texts
  const isForAll = /^0x0+$/.test(invitation.consumer)
  return (
    <section class="stack" aria-label={words.offers}>
      <h3>{words.offers}</h3>
      <Tiles
        of={[
          [words.price, priceText(invitation, units)],
          [words.country, country(invitation.country)],
          [words.provider, <code>{short(invitation.provider)}</code>],
          [words.endpoint, <code>{invitation.endpoint}</code>],
          [words.hubs, invitation.hubs.map(short).join(', ')],
          [words.until, moment(invitation.expiresAt)],
          [words.forWhom, isForAll ? words.everybody : short(invitation.consumer)],
        ]}
      />
      {invitation.refused === null ? (
        <p class="soft small">{words.signed}</p>
      ) : (
        <p class="notice bad">{words.refused(invitation.refused)}</p>
      )}
      <div class="row">{children}</div>
    </section>
  )
}

function KeptTable({ of, units, changed }: { of: readonly Invitation[]; units: Units; changed: () => void }) {
  const { invitations: words } = texts
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            <th>{words.provider}</th>
            <th class="number">{words.price}</th>
            <th class="number">{words.until}</th>
            <th>
              <span class="hidden">{texts.connect}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {of.map((each) => (
            <tr key={each.provider}>
              <td data-label={words.provider}>
                <span>
                  {country(each.country)} <span class="soft mono">{short(each.provider)}</span>
                </span>
              </td>
              <td class="number" data-label={words.price}>
                {priceText(each, units)}
              </td>
              <td class="number" data-label={words.until}>
                {moment(each.expiresAt)}
              </td>
              <td class="number" data-label="">
                <div class="row end">
                  {isServed() ? null : (
                    <Deed
                      name="connect"
                      fields={{ provider: each.provider }}
                      label={texts.connect}
                      busy={texts.connecting}
                      kind="small"
                      question={`${priceText(each, units)}. ${texts.connectCosts('', '')}`}
                      done={(answer) => {
                        if (answer.error === undefined) location.hash = '#/now'
                      }}
                    />
                  )}
                  <Deed
                    name="forgetInvitation"
                    fields={{ provider: each.provider }}
                    label={words.forget}
                    kind="small"
                    question={words.forgetCosts}
                    done={() => {
                      void look()
                      changed()
                    }}
                  />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
