// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token for tests and demonstrations; everything is minted at once to who deploys it.
contract TestToken is ERC20, ERC20Permit {
    constructor(uint256 supply) ERC20("Pontage Test Token", "PTT") ERC20Permit("Pontage Test Token") {
        _mint(msg.sender, supply);
    }
}
