// One request in the default configuration of WebClient.
using System;
using System.Net;

class Probe {
    static void Main(string[] args) {
        try {
            Console.WriteLine(new WebClient().DownloadString(args[0]));
        } catch (WebException e) {
            Console.Error.WriteLine(e.Status + " " + e.Message);
            Environment.Exit(1);
        }
    }
}
