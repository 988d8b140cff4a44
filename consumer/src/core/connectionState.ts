/**
 * Where one `connect` stands. `preparing`: a provider is asked for the first tunnel, and nothing is changed yet;
 * `raising`: a tunnel is being built behind the kill switch; `switching`: a tunnel was relied on and is gone;
 * `asking`: then one provider is asked for the next; `ended`: no tunnel, and none is looked for.
 */
export type ConnectionState =
  | { readonly name: 'disconnected' | 'preparing' | 'connected' | 'switching' | 'asking' | 'ended' }
  | { readonly name: 'raising'; readonly isFirst: boolean }

/** What happens to a connection. */
export type ConnectionEvent =
  /** A provider is about to be asked. */
  | { readonly type: 'asked' }
  /** It agreed: its tunnel is about to be built. */
  | { readonly type: 'agreed' }
  /** The tunnel carries payments; from here on the machine relies on it. */
  | { readonly type: 'attached' }
  /** The provider that was asked does not serve after all. */
  | { readonly type: 'refused' }
  /** The session is over: `next` when another provider is to be found. */
  | { readonly type: 'over'; readonly because: 'user' | 'next' | 'limit' }
  /** Nobody was found, or the program itself failed. */
  | { readonly type: 'gaveUp' }

const named = (name: Exclude<ConnectionState['name'], 'raising'>): ConnectionState => ({ name })

/** Whether somebody was told that the machine is connected: then whatever fails, it stays shut. */
export const isReliedOn = (state: ConnectionState): boolean =>
  state.name === 'raising' ? !state.isFirst : !['disconnected', 'preparing'].includes(state.name)

/** What follows. Pure: the caller puts {@link ConnectionState} into force as its policy says. */
export function next(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  switch (event.type) {
    case 'asked':
      return named(isReliedOn(state) ? 'asking' : 'preparing')
    case 'agreed':
      return { name: 'raising', isFirst: !isReliedOn(state) }
    case 'attached':
      return named('connected')
    case 'refused':
      return named(isReliedOn(state) ? 'switching' : 'disconnected')
    case 'over':
      if (event.because === 'user') return named('disconnected')
      return named(event.because === 'next' ? 'switching' : 'ended')
    case 'gaveUp':
      return named(isReliedOn(state) ? 'ended' : 'disconnected')
  }
}
