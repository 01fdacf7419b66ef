/* The play of a board: cards left, the trick on the table, who plays next, by Laws 44 and 45. */

import { SEAT_NAMES, cardName, nextSeat, suitOf, trumpSuit } from "./cards.js";

export class Position {
  constructor(deal, strain, leader, played = []) {
    this.deal = deal;
    this.hands = deal.map((hand) => [...hand]);
    this.strain = strain;
    this.seat = this.leader = leader;
    this.played = [];
    this.trick = [];                       // [seat, card]
    this.tricks = [];                      // {leader, cards, winner}
    this.won = [0, 0];                     // North-South, East-West
    for (const card of played) this.play(card);
  }

  get over() { return this.hands.every((hand) => hand.length === 0); }

  legal() {
    const hand = this.hands[this.seat];
    if (!this.trick.length) return hand;
    const led = suitOf(this.trick[0][1]);
    const following = hand.filter((card) => suitOf(card) === led);
    return following.length ? following : hand;
  }

  play(card) {
    if (!this.legal().includes(card)) {
      throw new Error(`card ${this.played.length + 1}, the ${cardName(card)}, was not ${
        SEAT_NAMES[this.seat]}'s to play`);
    }
    this.hands[this.seat] = this.hands[this.seat].filter((other) => other !== card);
    this.played.push(card);
    this.trick.push([this.seat, card]);
    this.seat = nextSeat(this.seat);
    if (this.trick.length < 4) return;
    const winner = this.winner();
    this.tricks.push({ leader: this.leader, cards: this.trick, winner });
    this.won[winner & 1]++;
    this.trick = [];
    this.seat = this.leader = winner;
  }

  winner() {
    const trump = trumpSuit(this.strain), led = suitOf(this.trick[0][1]);
    const power = (card) => (suitOf(card) === trump ? 100 : suitOf(card) === led ? 50 : 0) - card % 13;
    return this.trick.reduce((a, b) => (power(b[1]) > power(a[1]) ? b : a))[0];
  }
}
