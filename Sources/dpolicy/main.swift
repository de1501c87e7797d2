import DPCommands

DPolicy.main()
