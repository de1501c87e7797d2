// The connection to the server: receives messages, sends commands, and reconnects when it is lost.

const firstPause = 500, longestPause = 8000;

export class Connection {
  #socket = null;
  #pause = firstPause;

  /** @param handlers functions by message type, and `state`, which receives whether the connection is open. */
  constructor(handlers) {
    this.handlers = handlers;
    this.#open();
  }

  get isOpen() { return this.#socket?.readyState === WebSocket.OPEN; }

  /** Sends a command; drops it while disconnected, because it was meant for a scene that is no longer shown. */
  send(type, fields = {}) {
    if (this.isOpen) this.#socket.send(JSON.stringify({ type, ...fields }));
  }

  #open() {
    const address = new URL("socket", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#pause = firstPause;
      this.handlers.state(true);
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      this.handlers[message.type]?.(message);
    };
    socket.onclose = () => {
      this.handlers.state(false);
      setTimeout(() => this.#open(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, longestPause);
    };
  }
}
