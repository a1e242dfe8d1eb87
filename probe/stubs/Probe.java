// One request in the default configuration of a library.
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

public class Probe {
    public static void main(String[] args) throws Exception {
        String url = args[1], host = args[2], token = args[4];
        int port = Integer.parseInt(args[3]);
        switch (args[0]) {
            case "HttpsURLConnection": {
                HttpsURLConnection c = (HttpsURLConnection) URI.create(url).toURL().openConnection();
                c.setConnectTimeout(10000);
                c.setReadTimeout(10000);
                try (InputStream in = c.getInputStream()) {
                    System.out.println(new String(in.readAllBytes(), "UTF-8"));
                }
                break;
            }
            case "HttpClient": {
                HttpClient c = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).followRedirects(HttpClient.Redirect.NORMAL).build();
                System.out.println(c.send(HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(10)).build(), HttpResponse.BodyHandlers.ofString()).body());
                break;
            }
            default: {
                try (SSLSocket s = (SSLSocket) SSLSocketFactory.getDefault().createSocket(host, port)) {
                    s.setSoTimeout(10000);
                    s.getOutputStream().write(("GET /" + token + " HTTP/1.0\r\n\r\n").getBytes("UTF-8"));
                    System.out.println(new String(s.getInputStream().readAllBytes(), "UTF-8"));
                }
            }
        }
    }
}
