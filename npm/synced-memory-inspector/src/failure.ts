/** A request of the page that cannot be done: the status and the body of the response. */
export class RequestFailure extends Error {
  override readonly name = 'RequestFailure';
  readonly status: number;
  readonly code: string;
  readonly details: { readonly offset?: number; readonly current?: string };

  constructor(status: number, code: string, message: string, details: RequestFailure['details'] = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}
