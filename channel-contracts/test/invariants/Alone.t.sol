// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FinalState, Parties, SignedRelease, Slip, Total} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";
import {Test} from "../Vm.sol";

/// @notice One address that is consumer, provider and hub, also towards itself, and does whatever it likes.
contract Alone is World {
    uint256 private constant LANES = 3;
    address private self;
    uint256 private hadAtStart;
    uint256 private bystander;

    constructor() {
        vm.warp(START);
        setUp();
        self = _enter("everyone", CONSUMER | PROVIDER | HUB, 1_500 * WHOLE);
        for (uint48 nonce = 0; nonce < LANES; ++nonce) {
            knownChannels.push(_id(Parties(self, self, nonce)));
        }
        // With an honest hub beside it, whose pool it would like to have.
        knownChannels.push(_id(Parties(self, hub, 0)));
        _fund(300 * WHOLE);
        hadAtStart = _worth();
        bystander = channels.hubOf(hub).pool;
    }

    function _lane(uint256 lane) private view returns (Parties memory) {
        return Parties(self, self, uint48(lane % LANES));
    }

    function _do(bytes memory data) private {
        vm.prank(self);
        _try(address(channels), data);
    }

    function open(uint256 lane, uint256 amount) external {
        _do(abi.encodeCall(channels.open, (self, uint48(lane % LANES), bound(amount, 1, 300 * WHOLE))));
    }

    function openWithHub(uint256 amount) external {
        _do(abi.encodeCall(channels.open, (hub, 0, bound(amount, 1, 300 * WHOLE))));
    }

    function deposit(uint256 lane, uint256 amount) external {
        _do(abi.encodeCall(channels.deposit, (_lane(lane), bound(amount, 0, 100 * WHOLE))));
    }

    function draw(uint256 lane, uint256 amount, bool guaranteed) external {
        Parties memory parties = _lane(lane);
        uint256 value = bound(amount, 1, 2_000 * WHOLE);
        if (guaranteed) _do(abi.encodeCall(channels.draw, (_guaranteed(parties, self, value, value))));
        else _do(abi.encodeCall(channels.draw, (_hubDraw(parties, self, value))));
    }

    function drawBatch(uint256 one, uint256 two) external {
        Slip[] memory slips = new Slip[](2);
        slips[0] = _slip(_lane(one), self, bound(one, 1, 300 * WHOLE));
        slips[1] = _slip(_lane(two), self, bound(two, 1, 300 * WHOLE));
        _do(abi.encodeCall(channels.drawBatch, (self, slips)));
    }

    function redeem(uint256 total, bool there) external {
        uint256 value = bound(total, 0, 3_000 * WHOLE);
        if (there) _do(abi.encodeCall(channels.redeemTo, (_promised(self, self, value), self)));
        else _do(abi.encodeCall(channels.redeem, (_promised(self, self, value))));
    }

    function protest(uint256 lane, uint256 amount) external {
        Parties memory parties = lane % 4 == 3 ? Parties(self, hub, 0) : _lane(lane);
        uint256 value = bound(amount, 1, 400 * WHOLE);
        bytes memory signature = _signPromise(parties, self, value);
        _do(abi.encodeCall(channels.protest, (parties, self, value, signature)));
    }

    function settle(uint256 lane) external {
        Parties memory parties = lane % 4 == 3 ? Parties(self, hub, 0) : _lane(lane);
        _do(abi.encodeCall(channels.settleProtest, (parties, self)));
    }

    function askToLeave(uint256 lane, bool relayed, uint256 fee) external {
        Parties memory parties = lane % 4 == 3 ? Parties(self, hub, 0) : _lane(lane);
        uint64 deadline = uint64(block.timestamp);
        uint256 value = bound(fee, 0, 50 * WHOLE);
        if (relayed) {
            bytes memory signature = _signExit(parties, value, deadline);
            _do(abi.encodeCall(channels.requestExitFor, (parties, value, deadline, signature)));
        } else {
            _do(abi.encodeCall(channels.requestExit, (parties.hub, parties.nonce)));
        }
    }

    function exit(uint256 lane, bool settling) external {
        Parties memory parties = lane % 4 == 3 ? Parties(self, hub, 0) : _lane(lane);
        address[] memory protesters = new address[](settling ? 2 : 0);
        // Twice itself: the second time it is settled already.
        if (settling) (protesters[0], protesters[1]) = (self, self);
        _do(abi.encodeCall(channels.exit, (parties, protesters)));
    }

    function conclude(uint256 lane, uint256 amount, bool released) external {
        Parties memory parties = _lane(lane);
        FinalState memory state = _final(parties);
        state.totals = new Total[](1);
        state.totals[0] = Total(self, bound(amount, 0, 300 * WHOLE));
        if (released) {
            state.releases = new SignedRelease[](1);
            state.releases[0] =
                _signRelease(parties, self, state.totals[0].amount, uint64(block.timestamp) + 1 hours);
        }
        bytes32 digest = _stateDigest(state, address(channels));
        bytes memory signature = _sign(keys[self], digest);
        _do(abi.encodeCall(channels.conclude, (state, signature, signature)));
    }

    function movePool(uint256 amount, uint256 kind) external {
        uint256 value = bound(amount, 0, 200 * WHOLE);
        if (kind % 4 == 0) _do(abi.encodeCall(channels.fund, (self, value)));
        if (kind % 4 == 1) _do(abi.encodeCall(channels.requestWithdrawal, (value)));
        if (kind % 4 == 2) _do(abi.encodeCall(channels.withdraw, ()));
        if (kind % 4 == 3) _do(abi.encodeCall(channels.announceFee, (uint16(value % (FEE_CAP + 1)))));
    }

    function moveStake(uint256 amount, uint256 kind) external {
        uint256 value = bound(amount, 0, 300 * WHOLE);
        bytes memory data = abi.encodeCall(registry.requestUnbonding, (value));
        if (kind % 5 == 1) data = abi.encodeCall(registry.cancelUnbonding, ());
        if (kind % 5 == 2) data = abi.encodeCall(registry.withdrawStake, ());
        if (kind % 5 == 3) data = abi.encodeCall(registry.addStake, (self, value));
        if (kind % 5 == 4) data = abi.encodeCall(registry.register, (7, value, self, ""));
        vm.prank(self);
        _try(address(registry), data);
    }

    function repay(uint256 lane, uint256 amount, bool promised) external {
        uint256 value = bound(amount, 0, 100 * WHOLE);
        if (promised) _do(abi.encodeCall(channels.repayPromise, (self, self, value)));
        else _do(abi.encodeCall(channels.repay, (_lane(lane), self, value)));
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 30 hours));
    }

    // ---------------------------------------------------------------- questions

    /// @notice I1, I2.
    function checkConserved() external view {
        _assertConserved();
    }

    /// @notice Whatever it does with itself, it ends with no more than it began with, less what it burned: nobody else
    /// pays for it, and nobody else is paid.
    function checkNothingGained() external view {
        uint256 toHub = channels.hubOf(hub).pool - bystander;
        assertEq(_worth() + registry.burned() + toHub, hadAtStart, "what it had");
        (uint128 stake, uint32 faults, uint256 debt) = registry.securityOf(hub);
        assertEq(stake + faults + debt, 2_000 * WHOLE, "the hub beside it");
        (stake,,) = registry.securityOf(consumer);
        assertEq(stake, 10 * WHOLE, "the consumer beside it");
    }

    function _worth() private view returns (uint256 worth) {
        (uint128 stake,,) = registry.securityOf(self);
        worth = token.balanceOf(self) + stake + channels.hubOf(self).pool + _withheldOf(self);
        worth += _waitingAt(self) + _waitingAt(hub);
        for (uint256 i = 0; i < knownChannels.length; ++i) {
            worth += channels.channelOf(knownChannels[i]).balance;
        }
    }

    function _waitingAt(address payer) private view returns (uint256) {
        uint256 credited = channels.accountOf(payer, self).credited;
        uint256 paid = channels.accountOf(payer, self).paid;
        return credited > paid ? credited - paid : 0;
    }
}

/// @notice The numbered invariants of the README, for one who plays all roles alone.
contract AloneInvariants is Test {
    Alone private alone;

    function setUp() public {
        alone = new Alone();
        bytes4[] memory selectors = new bytes4[](15);
        selectors[0] = alone.open.selector;
        selectors[1] = alone.openWithHub.selector;
        selectors[2] = alone.deposit.selector;
        selectors[3] = alone.draw.selector;
        selectors[4] = alone.drawBatch.selector;
        selectors[5] = alone.redeem.selector;
        selectors[6] = alone.protest.selector;
        selectors[7] = alone.settle.selector;
        selectors[8] = alone.askToLeave.selector;
        selectors[9] = alone.exit.selector;
        selectors[10] = alone.conclude.selector;
        selectors[11] = alone.movePool.selector;
        selectors[12] = alone.moveStake.selector;
        selectors[13] = alone.repay.selector;
        selectors[14] = alone.pass.selector;
        _target(address(alone), selectors);
    }

    function invariant_one_in_all_roles_gains_nothing() public view {
        alone.checkConserved();
        alone.checkNothingGained();
    }
}
